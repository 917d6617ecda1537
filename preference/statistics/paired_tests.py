"""Is the difference of two models significant? Intervals and tests, paired on the same battles.

Both models predict the same battles, so that what makes a battle hard for both cancels. The test
is a t test of the mean difference. Its standard error is clustered by group (Miller, Adding Error
Bars to Evals, 2024, equation 8) and includes the variance between the seeds of a model that was
trained several times. The degrees of freedom are those of Welch and Satterthwaite. These are too
many where only one of the two models has several seeds (`make coverage`): the p-value is then
computed by Monte Carlo, from the sum of one t distribution for each standard error.

Battles in too few groups for an interval are not tested: where one group has most of the battles,
the t test would find most null differences significant. Where the difference is the same in every
battle, the standard error is 0, and the sign test over groups takes the place of the t test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL, GroupBootstrap
from preference.statistics.metrics import ROUNDING, standard_error
from preference.statistics.seed_variance import mean_over_seeds, seed_error

DRAWS = 20_000

# The row losses of each model, float64 [seeds, n].
Losses = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """A mean difference, its interval, and the two-sided p-value of no difference.

    `p_holm` is the p-value adjusted for the number of comparisons. All but the value are None
    where there are too few groups. `low` and `high` are also None where the difference is the same
    in every battle.
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
        first: row losses of each training run, float64 [seeds, n].
        second: the same of the other model; its number of seeds may differ.
        bootstrap: over the groups of the n battles.
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
        p = _monte_carlo_p(interval.value, errors, bootstrap.random)
    else:
        p = float(2 * stats.t.sf(abs(interval.value) / error, freedom))
    return Difference(interval.value, interval.low, interval.high, standard_error=error, p=p)


def _differ(values: np.ndarray) -> bool:
    return bool(np.ptp(values) > ROUNDING)


def _combine(errors: list[tuple[float, int]]) -> tuple[float, float]:
    """Return the standard error of a sum, and its degrees of freedom (Satterthwaite)."""
    variances = [(error**2, freedom) for error, freedom in errors if error > 0]
    if not variances:
        return 0.0, 1.0
    total = sum(variance for variance, _ in variances)
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in variances)
    return float(np.sqrt(total)), float(freedom)


def _sign_test(groups: int) -> float:
    """Return the two-sided p-value where the difference has the same sign in all groups."""
    return 2.0 ** (1 - groups)


def _monte_carlo_p(
    value: float, errors: list[tuple[float, int]], random: np.random.Generator
) -> float:
    """Return the fraction of simulated sums of the errors that are as large as `value`."""
    draws = sum(error * random.standard_t(freedom, DRAWS) for error, freedom in errors if error > 0)
    return float((1 + np.sum(np.abs(draws) >= abs(value))) / (1 + DRAWS))


def correct_by_holm(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """Set `p_holm`, the p-values adjusted for the number of comparisons (Holm, 1979).

    Where `p_holm` below 0.05 is called significant, at most 5 % of studies have any false positive.
    Either all or none of the differences were tested, because they share their battles; those that
    were not tested are returned unchanged.
    """
    p_values = {name: each.p for name, each in differences.items() if each.p is not None}
    if len(p_values) < len(differences):
        return dict(differences)
    adjusted, largest = {}, 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min((len(ordered) - rank) * p, 1.0))
        adjusted[name] = replace(differences[name], p_holm=largest)
    return {name: adjusted[name] for name in differences}


def compare_with(
    other: str, names: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> dict[str, Difference]:
    """Return the difference of each named model to `other`, with Holm-adjusted p-values.

    Args:
        other: the name of the model whose losses are subtracted.
        names: of the models to compare; `other` itself is left out.
        losses: of all of these models.
        bootstrap: over the groups of the n battles.
    """
    return correct_by_holm(
        {
            name: paired_difference(losses[name], losses[other], bootstrap)
            for name in names
            if name != other
        }
    )


def noise_of_a_change(
    name: str, others: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> float | None:
    """Return the half width of the interval of a typical difference to one of `others`.

    A smaller change of the log loss of the model is within noise. The variance between seeds is not
    included where the model has one seed. The noise is unknown, None, where there are too few
    groups or all of the others predict the same as the model.
    """
    found = [
        paired_difference(losses[name], losses[other], bootstrap).standard_error
        for other in others
        if other != name
    ]
    errors = [error for error in found if error]
    if not errors:
        return None
    width = stats.norm.ppf((1 + CONFIDENCE_LEVEL) / 2)
    return float(width * np.sqrt(np.mean(np.square(errors))))
