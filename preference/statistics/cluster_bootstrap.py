"""Intervals by the bootstrap over groups.

Battles of one group share a prompt or an answer, so whole groups are drawn with replacement, and
not battles (the cluster bootstrap; Davison and Hinkley, Bootstrap Methods and their Application,
1997, section 3.8). Every metric is a function of totals over battles, and all metrics are
computed on the same resamples. Differences of log loss have the interval of their test
(`paired_tests`).

Such an interval is too narrow where there are few groups, and it has no width where all resamples
are equal. There is no interval in either case; too few are fewer than `FEWEST_GROUPS` effective
groups. docs/results/statistics.md has the measured coverage for fewer groups.

Where battles have weights, all totals are weighted, in every resample too.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from preference.config.validation import Finite
from preference.statistics.metrics import ROUNDING

CONFIDENCE_LEVEL = 0.95
# With fewer, even intervals of log loss cover the true value in less than about 90 % of the cases.
FEWEST_GROUPS = 30
# Resamples that are summed at a time: their weights become floats, eight times as large.
BLOCK = 100


@dataclass(frozen=True)
class Estimate:
    """A metric and its interval; both bounds are None where it has no interval."""

    value: Finite
    low: Finite | None
    high: Finite | None


def effective_groups(groups: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the effective number of groups (the effective sample size of Kish, 1965).

    This is the number of groups where all have one size, and near 1 where one group has most of
    the battles.

    Args:
        groups: the group of each battle, int64 [n].
        weights: of the battles, float64 [n]; None if all are 1.
    """
    sizes = group_sizes(groups, weights)
    return float(sizes.sum() ** 2 / np.sum(sizes**2)) if len(sizes) else 0.0


def group_sizes(groups: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the number of battles in each group, or the sum of their weights."""
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return sizes if weights is None else np.bincount(members, weights)


class GroupBootstrap:
    """Bootstrap resamples that draw whole groups of battles.

    Args:
        groups: the group of each battle, int64 [n].
        resamples: the number of resamples.
        seed: of the random numbers.
        fewest_groups: the smallest effective number of groups that has an interval.
        weights: what each battle counts for, float64 [n]; None if all count for the same.
    """

    def __init__(
        self,
        groups: np.ndarray,
        resamples: int,
        seed: int | list[int],
        fewest_groups: int = FEWEST_GROUPS,
        weights: np.ndarray | None = None,
    ) -> None:
        names, members = np.unique(groups, return_inverse=True)
        battles = len(groups)
        self._fewest_groups = fewest_groups
        self._has_enough_groups = effective_groups(groups, weights) >= fewest_groups
        self._summing = csr_array(
            (np.ones(battles) if weights is None else weights, (members, np.arange(battles))),
            shape=(len(names), battles),
        )
        self.groups, self.battle_weights = groups, weights
        self.resamples = resamples
        self.random = np.random.default_rng(seed)
        self._members = members
        self._times_drawn = np.ones((1 + resamples, len(names)), dtype=np.uint8)
        for row in self._times_drawn[1:]:
            drawn = self.random.integers(len(names), size=len(names))
            row[:] = np.bincount(drawn, minlength=len(names))
        self._battles = self.totals(np.ones(battles))

    def weights(self, resample: int) -> np.ndarray:
        """Return what each battle counts for in a resample, counted from 0: float64 [n]."""
        times = self._times_drawn[1 + resample, self._members].astype(np.float64)
        return times if self.battle_weights is None else times * self.battle_weights

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean over the battles themselves, the last axis of `values`."""
        return np.average(values, axis=-1, weights=self.battle_weights)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sum over the battles themselves, and over those of each resample.

        Args:
            values: one or more numbers for each battle, [n, ...].

        Returns:
            float64 [1 + resamples, ...], the sum over the battles themselves first.
        """
        sums = self._summing @ values.reshape(len(values), -1).astype(np.float64)
        blocks = [
            self._times_drawn[start : start + BLOCK].astype(np.float64) @ sums
            for start in range(0, len(self._times_drawn), BLOCK)
        ]
        return np.concatenate(blocks).reshape(-1, *values.shape[1:])

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return means over battles where `totals` returns sums: float64 [1 + resamples, ...]."""
        totals = self.totals(values)
        return totals / self._battles.reshape(-1, *[1] * (totals.ndim - 1))

    def has_enough_groups(self, members: np.ndarray | None = None) -> bool:
        """Return whether the battles, or only those in `members`, bool [n], allow an interval."""
        if members is None:
            return self._has_enough_groups
        weights = None if self.battle_weights is None else self.battle_weights[members]
        return effective_groups(self.groups[members], weights) >= self._fewest_groups

    def interval(self, values: np.ndarray, members: np.ndarray | None = None) -> Estimate:
        """Return a metric with its percentile interval, or without one (see the module).

        Args:
            values: the metric on the battles themselves, then on each resample, [1 + resamples];
                NaN where it is undefined on a resample.
            members: the battles that the metric is computed on, bool [n]; None for all.
        """
        value, resampled = float(values[0]), values[1:]
        if not self.has_enough_groups(members):
            return Estimate(value, None, None)
        if np.nanmax(resampled) - np.nanmin(resampled) <= ROUNDING:
            return Estimate(value, None, None)
        return Estimate(value, *self._quantiles(resampled))

    def _quantiles(self, values: np.ndarray) -> tuple[float, float]:
        tail = (1 - CONFIDENCE_LEVEL) / 2
        low, high = np.nanquantile(values, [tail, 1 - tail])
        return float(low), float(high)
