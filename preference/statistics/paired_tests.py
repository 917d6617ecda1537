"""Is the difference of two models real? Intervals and tests, paired on the same battles.

Both models saw the same battles, so what makes a battle hard for both cancels. The test is a t
test of the mean difference with its standard error over groups (Miller, Adding Error Bars to
Evals, 2024, equation 8) and, where a model was trained on several seeds, over those too; its
degrees of freedom are Welch's and Satterthwaite's. Those are too many where the other model was
trained once (`make coverage`): then the p-value is the share of draws of the errors' sum, each
from its own t distribution, that are as large as the difference.

With too few groups for an interval there is no test either: where one group has most of the
battles, the t test would call most null differences real. Where all battles have one and the same
difference there is no error to divide by; then it is the sign test over the groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from preference.statistics.cluster_bootstrap import CONFIDENCE, GroupBootstrap
from preference.statistics.metrics import ROUNDING, standard_error
from preference.statistics.seed_variance import mean_over_seeds, seed_error

DRAWS = 20_000


@dataclass(frozen=True)
class Difference:
    """A mean difference, its interval, and the two-sided p-value of no difference.

    `p_holm` is the p-value corrected for the comparisons that it was made beside. With too few
    groups all but the value are None; where all battles have one difference, the bounds are.
    """

    value: float
    low: float | None
    high: float | None
    standard_error: float | None
    p: float | None
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
    if not bootstrap.has_enough_groups():
        return Difference(interval.value, None, None, standard_error=None, p=None)
    by_battle = first.mean(axis=0) - second.mean(axis=0)
    groups = len(np.unique(bootstrap.groups))
    by_seed = [losses.mean(axis=1) for losses in (first, second)]
    errors = [
        (standard_error(by_battle, bootstrap.groups) if _differ(by_battle) else 0.0, groups - 1),
        *((seed_error(means) if _differ(means) else 0.0, len(means) - 1) for means in by_seed),
    ]
    error, freedom = _combine(errors)
    if error == 0:
        p = 1.0 if abs(interval.value) <= ROUNDING else _sign_test(groups)
    elif (len(first) > 1) != (len(second) > 1):
        p = _share_of_draws(interval.value, errors, bootstrap.random)
    else:
        p = float(2 * stats.t.sf(abs(interval.value) / error, freedom))
    return Difference(interval.value, interval.low, interval.high, standard_error=error, p=p)


def _differ(values: np.ndarray) -> bool:
    return bool(np.ptp(values) > ROUNDING)


def _combine(errors: list[tuple[float, int]]) -> tuple[float, float]:
    """Add independent standard errors, and return the sum's degrees of freedom (Satterthwaite)."""
    variances = [(error**2, freedom) for error, freedom in errors if error > 0]
    if not variances:
        return 0.0, 1.0
    total = sum(variance for variance, _ in variances)
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in variances)
    return float(np.sqrt(total)), float(freedom)


def _sign_test(groups: int) -> float:
    """Return the two-sided p-value where the difference has the same sign in all groups."""
    return 2.0 ** (1 - groups)


def _share_of_draws(
    value: float, errors: list[tuple[float, int]], random: np.random.Generator
) -> float:
    draws = sum(error * random.standard_t(freedom, DRAWS) for error, freedom in errors if error > 0)
    return float((1 + np.sum(np.abs(draws) >= abs(value))) / (1 + DRAWS))


def correct_by_holm(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """Set `p_holm`, the p-values corrected for their number (Holm, 1979).

    Whoever calls real what has `p_holm` below 0.05 is wrong about any of them in 5 % of studies.
    Differences without a test, which are then all of them, stay as they are.
    """
    if any(difference.p is None for difference in differences.values()):
        return dict(differences)
    corrected, largest = {}, 0.0
    ordered = sorted(differences, key=lambda name: differences[name].p)
    for rank, name in enumerate(ordered):
        p = differences[name].p
        largest = max(largest, min((len(ordered) - rank) * p, 1.0))
        corrected[name] = replace(differences[name], p_holm=largest)
    return {name: corrected[name] for name in differences}


Losses = Mapping[str, np.ndarray]


def compare_with(
    rival: str, names: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> dict[str, Difference]:
    """Compare each of the other models with `rival`; p-values are corrected for their number.

    Args:
        rival: is subtracted.
        names: of the models to compare; `rival` itself is left out.
        losses: row losses of each model, float64 [seeds, n].
        bootstrap: of the n battles.
    """
    return correct_by_holm(
        {
            name: paired_difference(losses[name], losses[rival], bootstrap)
            for name in names
            if name != rival
        }
    )


def noise_of_a_change(
    name: str, others: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> float | None:
    """Return the half width of the interval of a typical difference to one of `others`.

    A change of the model's log loss that is smaller is within noise. Where it was trained on one
    seed, the noise of training once is not in it. It is None, for unknown, where there are too few
    groups, and where all of the others predict the same as the model.
    """
    found = [
        paired_difference(losses[name], losses[other], bootstrap).standard_error
        for other in others
        if other != name
    ]
    errors = [error for error in found if error]
    if not errors:
        return None
    width = stats.norm.ppf((1 + CONFIDENCE) / 2)
    return float(width * np.sqrt(np.mean(np.square(errors))))
