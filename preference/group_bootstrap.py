"""Intervals by the bootstrap over groups.

Battles of one group share a prompt or an answer, so whole groups are drawn with replacement, and
not battles (the cluster bootstrap; Davison and Hinkley, Bootstrap Methods and their Application,
1997, section 3.8). Every figure is a function of totals over battles, and every figure sees the
same resamples: the difference of two models is paired.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from preference.parameter_types import Finite

# Of every interval.
CONFIDENCE = 0.95
# Resamples whose weights are floats at one time.
BLOCK = 100


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval."""

    value: Finite
    low: Finite
    high: Finite


class GroupBootstrap:
    """Resamples of the groups of some battles.

    Args:
        groups: the group of each battle, int64 [n], with at least two different ones.
        resamples: how many.
        seed: chooses the resamples.
    """

    def __init__(self, groups: np.ndarray, resamples: int, seed: int | list[int]) -> None:
        names, members = np.unique(groups, return_inverse=True)
        if len(names) < 2:
            raise ValueError("a bootstrap over groups needs at least two groups")
        battles = len(groups)
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

    def interval(self, figures: np.ndarray) -> Estimate:
        """Return the percentile interval of a figure.

        Args:
            figures: of the battles themselves, then of each resample, [1 + resamples]; NaN where
                a resample does not have the figure.
        """
        low, high = self._quantiles(figures[1:])
        return Estimate(float(figures[0]), low, high)

    def _quantiles(self, figures: np.ndarray) -> tuple[float, float]:
        tail = (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(figures, [tail, 1 - tail])
        return float(low), float(high)
