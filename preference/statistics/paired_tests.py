"""Is the difference of two models significant? Intervals and tests, paired on the same battles.

Both models predict the same battles, so that what makes a battle hard for both cancels. Two things
are left that move a mean difference by chance. One is which battles were drawn: its standard error
is clustered by group (Miller, Adding Error Bars to Evals, 2024, equation 8). The other is with
which seeds the models were trained (`training_noise`). The p-value is the fraction of simulated
differences that are as large as the one found; each is the sum of a draw from the t distribution of
either error. Where no seed plays a part, it is the p-value of a t test.

The interval is that of the same distributions, so that it leaves out 0 where, and only where, the
p-value before adjustment is below 0.05. Percentiles of a bootstrap would differ from it by chance,
and be too narrow where groups are few, since they know nothing of degrees of freedom.

Where the noise of training is unknown, nothing is tested, and the interval has the noise of the
battles alone. Battles in too few groups for an interval are not tested either: where one group has
most of the battles, a t test would find most null differences significant. Where the difference is
the same in every battle, the standard error is 0, and the sign test over groups takes the place of
the t test.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL, GroupBootstrap
from preference.statistics.metrics import ROUNDING, standard_error
from preference.statistics.training_noise import NO_NOISE, StandardError

DRAWS = 20_000
# A difference is significant where `p_holm` is below it.
SIGNIFICANCE_LEVEL = 0.05

# The row losses of each model, float64 [seeds, n].
Losses = Mapping[str, np.ndarray]
# Returns the noise of training in the difference of two models, or None where it is unknown.
NoiseOfTraining = Callable[[str, str], StandardError | None]


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
    first: np.ndarray,
    second: np.ndarray,
    bootstrap: GroupBootstrap,
    training: StandardError | None = NO_NOISE,
) -> Difference:
    """Compare two models by their losses on the same battles, first minus second.

    Args:
        first: row losses of each training run, float64 [runs, n].
        second: the same of the other model; its number of runs may differ.
        bootstrap: over the groups of the n battles.
        training: the noise of training in the difference; None where it is unknown.
    """
    by_battle = first.mean(axis=0) - second.mean(axis=0)
    value = float(bootstrap.mean(by_battle))
    if not bootstrap.has_enough_groups():
        return untested(value)
    return judge_mean(value, error_over_battles(by_battle, bootstrap), training, bootstrap.random)


def untested(value: float) -> Difference:
    """Return a difference on battles in too few groups."""
    return Difference(value, None, None, standard_error=None, p=None)


def judge_mean(
    value: float,
    battles: StandardError,
    training: StandardError | None,
    random: np.random.Generator,
) -> Difference:
    """Return a mean difference with its interval and test.

    Args:
        value: the mean difference.
        battles: its error that is due to which battles were drawn; 0 where the difference is the
            same in every battle.
        training: the noise of training in the difference; None where it is unknown.
        random: draws errors.
    """
    if battles.value == 0:
        # No training plays a part: the two predict the same, as the same training run does.
        p = 1.0 if abs(value) <= ROUNDING else _sign_test(battles.freedom + 1)
        return Difference(value, None, None, standard_error=0.0, p=p)
    known = training or NO_NOISE
    if known.value > 0:
        half_width, p = _simulated_test(value, battles, known, random)
    else:
        half_width, p = _t_test(value, battles)
    return Difference(
        value,
        value - half_width,
        value + half_width,
        standard_error=float(np.hypot(battles.value, known.value)),
        p=None if training is None else p,
    )


def error_over_battles(by_battle: np.ndarray, bootstrap: GroupBootstrap) -> StandardError:
    """Return the standard error of a mean [n] that is due to which battles were drawn."""
    differs = np.ptp(by_battle) > ROUNDING
    weights = bootstrap.battle_weights
    value = standard_error(by_battle, bootstrap.groups, weights) if differs else 0.0
    return StandardError(float(value), len(np.unique(bootstrap.groups)) - 1)


def _t_test(value: float, error: StandardError) -> tuple[float, float]:
    """Return the half width of the interval, and the p-value."""
    half_width = error.value * stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, error.freedom)
    return float(half_width), float(2 * stats.t.sf(abs(value) / error.value, error.freedom))


def _simulated_test(
    value: float, battles: StandardError, training: StandardError, random: np.random.Generator
) -> tuple[float, float]:
    """Return the half width of the interval, and the p-value."""
    sizes = _draw_sizes(battles, training, random)
    return _half_width(sizes), float((1 + np.sum(sizes >= abs(value))) / (1 + DRAWS))


def _draw_sizes(
    battles: StandardError, training: StandardError, random: np.random.Generator
) -> np.ndarray:
    """Draw how large the sum of both errors is, float64 [DRAWS]."""
    return np.abs(battles.draw(DRAWS, random) + training.draw(DRAWS, random))


def _half_width(sizes: np.ndarray) -> float:
    """Return the smallest of the sizes that is not significant as a difference."""
    return float(np.quantile(sizes, CONFIDENCE_LEVEL, method="higher"))


def _sign_test(groups: int) -> float:
    """Return the two-sided p-value where the difference has the same sign in all groups."""
    return 2.0 ** (1 - groups)


def correct_by_holm(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """Set `p_holm`, the p-values adjusted for the number of comparisons (Holm, 1979).

    Where `p_holm` below `SIGNIFICANCE_LEVEL` is called significant, at most 5 % of studies have any
    false positive.
    Differences that were not tested are returned unchanged.
    """
    p_values = {name: each.p for name, each in differences.items() if each.p is not None}
    adjusted, largest = dict(differences), 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min((len(ordered) - rank) * p, 1.0))
        adjusted[name] = replace(differences[name], p_holm=largest)
    return adjusted


def compare_with(
    other: str,
    names: Sequence[str],
    losses: Losses,
    bootstrap: GroupBootstrap,
    training: NoiseOfTraining = lambda name, other: NO_NOISE,
) -> dict[str, Difference]:
    """Return the difference of each named model to `other`, with Holm-adjusted p-values.

    Args:
        other: the name of the model whose losses are subtracted.
        names: of the models to compare; `other` itself is left out.
        losses: of all of these models.
        bootstrap: over the groups of the n battles.
        training: returns the noise of training in the difference of two models.
    """
    return correct_by_holm(
        {
            name: paired_difference(losses[name], losses[other], bootstrap, training(name, other))
            for name in names
            if name != other
        }
    )


def noise_of_a_change(
    name: str,
    others: Sequence[str],
    losses: Losses,
    bootstrap: GroupBootstrap,
    training: StandardError | None,
) -> float | None:
    """Return how large a change of the log loss of a model may be by chance.

    It is the half width of the interval of a difference between two versions of the model, trained
    with other seeds, that differ on the battles as much as the model and the `others` do.

    Args:
        name: of the model.
        others: the names of models to compare with.
        losses: of all of these models.
        bootstrap: over the groups of the n battles.
        training: the noise of training in the difference of two versions; None where it is unknown.

    Returns:
        The half width; None, for unknown, where `training` is, where there are too few groups, and
        where all of the others predict the same as the model.
    """
    if training is None or not bootstrap.has_enough_groups():
        return None
    errors = [
        error_over_battles(losses[name].mean(axis=0) - losses[other].mean(axis=0), bootstrap)
        for other in others
        if other != name
    ]
    squares = [error.value**2 for error in errors if error.value > 0]
    if not squares:
        return None
    battles = StandardError(float(np.sqrt(np.mean(squares))), errors[0].freedom)
    return _half_width(_draw_sizes(battles, training, np.random.default_rng(DRAWS)))
