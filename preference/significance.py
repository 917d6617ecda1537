"""Is the difference of two models real? Intervals and tests, paired on the same battles.

Both models saw the same battles, so what makes a battle hard for both cancels. The test is a t
test of the mean difference with its standard error over groups (Miller, Adding Error Bars to
Evals, 2024, equation 8) and, where a model was trained on several seeds, over those too; its
degrees of freedom are Welch's and Satterthwaite's. Those are too many where the other model was
trained once (`make coverage`): then the p-value is the share of draws of the errors' sum, each
from its own t distribution, that are as large as the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from preference.group_bootstrap import GroupBootstrap
from preference.metrics import standard_error
from preference.seed_noise import mean_over_seeds, seed_error

DRAWS = 20_000


@dataclass(frozen=True)
class Difference:
    """A mean difference, its interval, and the two-sided p-value of no difference.

    `p_holm` is the p-value corrected for the comparisons that it was made beside.
    """

    value: float
    low: float
    high: float
    standard_error: float
    p: float
    p_holm: float | None = None


def paired_difference(
    first: np.ndarray, second: np.ndarray, bootstrap: GroupBootstrap
) -> Difference:
    """Compare two models by their losses on the same battles, first minus second.

    Args:
        first, second: row losses of each training, float64 [seeds, n]; the numbers of seeds may
            differ.
        bootstrap: of the n battles.
    """
    resampled = [
        mean_over_seeds(bootstrap.means(losses.T).T, bootstrap.random) for losses in (first, second)
    ]
    interval = bootstrap.interval(resampled[0] - resampled[1])
    by_battle = first.mean(axis=0) - second.mean(axis=0)
    errors = [
        (standard_error(by_battle, bootstrap.groups), len(np.unique(bootstrap.groups)) - 1),
        *((seed_error(losses.mean(axis=1)), len(losses) - 1) for losses in (first, second)),
    ]
    error, freedom = _combine(errors)
    if error > 0 and (len(first) > 1) != (len(second) > 1):
        p = _share_of_draws(interval.value, errors, bootstrap.random)
    else:
        p = _two_sided(interval.value, error, freedom)
    return Difference(
        value=interval.value, low=interval.low, high=interval.high, standard_error=error, p=p
    )


def _combine(errors: list[tuple[float, int]]) -> tuple[float, float]:
    """Add independent standard errors, and return the sum's degrees of freedom (Satterthwaite)."""
    variances = [(error**2, freedom) for error, freedom in errors if error > 0]
    if not variances:
        return 0.0, 1.0
    total = sum(variance for variance, _ in variances)
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in variances)
    return float(np.sqrt(total)), float(freedom)


def _two_sided(value: float, error: float, freedom: float) -> float:
    """Return the p-value; without any noise a difference is certain, and none is none."""
    if error == 0:
        return float(value == 0)
    return float(2 * stats.t.sf(abs(value) / error, freedom))


def _share_of_draws(
    value: float, errors: list[tuple[float, int]], random: np.random.Generator
) -> float:
    draws = sum(error * random.standard_t(freedom, DRAWS) for error, freedom in errors if error > 0)
    return float((1 + np.sum(np.abs(draws) >= abs(value))) / (1 + DRAWS))


def correct_by_holm(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """Set `p_holm`, the p-values corrected for their number (Holm, 1979).

    Whoever calls real what has `p_holm` below 0.05 is wrong about any of them in 5 % of studies.
    """
    corrected, largest = {}, 0.0
    ordered = sorted(differences, key=lambda name: differences[name].p)
    for rank, name in enumerate(ordered):
        p = differences[name].p
        largest = max(largest, min((len(ordered) - rank) * p, 1.0))
        corrected[name] = replace(differences[name], p_holm=largest)
    return {name: corrected[name] for name in differences}
