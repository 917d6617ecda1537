"""Intervals by the bootstrap over groups.

Battles of one group share a prompt or an answer, so whole groups are drawn with replacement, and
not battles (the cluster bootstrap; Davison and Hinkley, Bootstrap Methods and their Application,
1997, section 3.8). Every figure is a function of totals over battles, and every figure sees the
same resamples: the difference of two models is paired.

Few groups make such an interval too narrow, and a resample cannot show what no battle shows. So
there is no interval where the battles are worth fewer than `FEWEST_GROUPS` groups, or where all
resamples are equal. `docs/results/statistics.md` has what intervals of fewer groups would be worth.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from preference.config.validation import Finite
from preference.statistics.metrics import ROUNDING

# Of every interval.
CONFIDENCE = 0.95
# With fewer, even the intervals of log loss hold the truth in less than about 90 % of the cases.
FEWEST_GROUPS = 30
# Resamples whose weights are floats at one time.
BLOCK = 100


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval; the bounds are None where there is none."""

    value: Finite
    low: Finite | None
    high: Finite | None


def effective_groups(groups: np.ndarray) -> float:
    """Return how many groups of equal size are worth as much as these (Kish, 1965).

    It is their number where all are of one size, and near 1 where one has most of the battles.

    Args:
        groups: the group of each battle, int64 [n].
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(sizes.sum() ** 2 / np.sum(sizes**2)) if len(sizes) else 0.0


class GroupBootstrap:
    """Resamples of the groups of some battles.

    Args:
        groups: the group of each battle, int64 [n].
        resamples: how many.
        seed: chooses the resamples.
        fewest_groups: that are enough for an interval.
    """

    def __init__(
        self,
        groups: np.ndarray,
        resamples: int,
        seed: int | list[int],
        fewest_groups: int = FEWEST_GROUPS,
    ) -> None:
        names, members = np.unique(groups, return_inverse=True)
        battles = len(groups)
        self._fewest_groups = fewest_groups
        self._has_enough_groups = effective_groups(groups) >= fewest_groups
        self._summing = csr_array(
            (np.ones(battles), (members, np.arange(battles))), shape=(len(names), battles)
        )
        self.groups = groups
        self.resamples = resamples
        self.random = np.random.default_rng(seed)
        self._times_drawn = np.ones((1 + resamples, len(names)), dtype=np.uint8)
        for row in self._times_drawn[1:]:
            drawn = self.random.integers(len(names), size=len(names))
            row[:] = np.bincount(drawn, minlength=len(names))
        self._battles = self.totals(np.ones(battles))

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sum over battles: of the battles themselves, then of each resample.

        Args:
            values: of each battle, float64 [n, ...].

        Returns:
            float64 [1 + resamples, ...].
        """
        sums = self._summing @ values.reshape(len(values), -1).astype(np.float64)
        blocks = [
            self._times_drawn[start : start + BLOCK].astype(np.float64) @ sums
            for start in range(0, len(self._times_drawn), BLOCK)
        ]
        return np.concatenate(blocks).reshape(-1, *values.shape[1:])

    def means(self, values: np.ndarray) -> np.ndarray:
        """Average over battles [n, ...], as `totals` sums: float64 [1 + resamples, ...]."""
        totals = self.totals(values)
        return totals / self._battles.reshape(-1, *[1] * (totals.ndim - 1))

    def has_enough_groups(self, members: np.ndarray | None = None) -> bool:
        """Say whether the battles, or those that `members`, bool [n], marks, allow an interval."""
        if members is None:
            return self._has_enough_groups
        return effective_groups(self.groups[members]) >= self._fewest_groups

    def interval(self, figures: np.ndarray, members: np.ndarray | None = None) -> Estimate:
        """Return the percentile interval of a figure, as far as it has one.

        Args:
            figures: of the battles themselves, then of each resample, [1 + resamples]; NaN where
                a resample does not have the figure.
            members: the battles that the figure is of, bool [n]; None for all.
        """
        value, resampled = float(figures[0]), figures[1:]
        if not self.has_enough_groups(members):
            return Estimate(value, None, None)
        if np.nanmax(resampled) - np.nanmin(resampled) <= ROUNDING:
            return Estimate(value, None, None)
        return Estimate(value, *self._quantiles(resampled))

    def _quantiles(self, figures: np.ndarray) -> tuple[float, float]:
        tail = (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(figures, [tail, 1 - tail])
        return float(low), float(high)
