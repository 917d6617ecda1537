"""How much a mean difference of two models on a part of the battles differs from that on the rest.

It is a difference of two means, each over the battles of its own part. Its error is what battles
deviate from the mean of their part (Welch, 1947): how good a model is on all battles cancels. The
deviations are summed by group over both parts, since a group may have battles in either, and its
errors in them then cancel in part. Of the degrees of freedom, those of the part with fewer groups
are taken, which is never too many.
"""

import numpy as np

from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metrics import ROUNDING
from preference.statistics.paired_tests import Difference, judge_mean, untested
from preference.statistics.training_noise import NO_NOISE, StandardError


def excess_on_part(
    values: np.ndarray, members: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean on a part minus that on the rest, [...].

    Args:
        values: of the battles, the last axis, [..., n].
        members: the battles of the part, bool [n]; neither all nor none.
        weights: of the battles, float64 [n]; None if all are 1.

    Raises:
        ZeroDivisionError: the part or the rest has no battles.
    """
    weights = np.ones(len(members)) if weights is None else weights
    on_part, on_rest = (
        np.average(values[..., part], axis=-1, weights=weights[part])
        for part in (members, ~members)
    )
    return on_part - on_rest


def difference_of_parts(
    first: np.ndarray,
    second: np.ndarray,
    members: np.ndarray,
    bootstrap: GroupBootstrap,
    training: StandardError | None = NO_NOISE,
) -> Difference:
    """Compare two models by their losses on a part and on the rest.

    Args:
        first: row losses of each training run, float64 [runs, n].
        second: the same of the other model; its number of runs may differ.
        members: the battles of the part, bool [n]; neither all nor none.
        bootstrap: over the groups of the n battles.
        training: the noise of training in what is compared; None where it is unknown.

    Returns:
        The mean of first minus second on the part, minus that on the rest; without interval and
        test where either has too few groups.

    Raises:
        ZeroDivisionError: the part or the rest has no battles.
    """
    by_battle = first.mean(axis=0) - second.mean(axis=0)
    value = float(excess_on_part(by_battle, members, bootstrap.battle_weights))
    if not all(bootstrap.has_enough_groups(part) for part in (members, ~members)):
        return untested(value)
    battles = _error_over_battles(by_battle, members, bootstrap)
    return judge_mean(value, battles, training, bootstrap.random)


def _error_over_battles(
    by_battle: np.ndarray, members: np.ndarray, bootstrap: GroupBootstrap
) -> StandardError:
    names, groups = np.unique(bootstrap.groups, return_inverse=True)
    weights = bootstrap.battle_weights
    weights = np.ones(len(groups)) if weights is None else weights
    sums, counts, differs = np.zeros(len(names)), [], False
    for part, sign in ((members, 1), (~members, -1)):
        values, shares = by_battle[part], weights[part] / weights[part].sum()
        count = len(np.unique(groups[part]))
        deviations = shares * (values - np.sum(shares * values)) * np.sqrt(count / (count - 1))
        sums += sign * np.bincount(groups[part], deviations, minlength=len(names))
        counts.append(count)
        differs |= bool(np.ptp(values) > ROUNDING)
    value = float(np.sqrt(np.sum(sums**2))) if differs else 0.0
    return StandardError(value, min(counts) - 1)
