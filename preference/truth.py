"""What is true of the battles of a split."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """The battles: `ids`, `labels` and `groups` are int [n].

    `near_duplicate`, bool [n], says whether train has a prompt that is nearly the same.
    `oracle` [n, 3] and `agreement` [n] are as in the battles table, and None for real data.
    """

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    near_duplicate: np.ndarray
    oracle: np.ndarray | None = None
    agreement: np.ndarray | None = None
