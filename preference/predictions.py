"""Predictions of one model on one split, one row a battle.

`swapped` holds the probabilities when the two answers are shown in the other order, mapped back
to the original names: a model that does not care about the order has `swapped == probabilities`.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Predictions:
    """`ids` is int64 [n]; `probabilities` and `swapped` are float64 [n, 3], in `LABELS` order."""

    ids: np.ndarray
    probabilities: np.ndarray
    swapped: np.ndarray
