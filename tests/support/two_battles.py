"""Battles so small that what is made of them can be counted by hand."""

import numpy as np

from checks.benchmarks.sequences import Sequences


def two_battles():
    """Two battles: sides of 1 and 3 tokens, and of 2 and 2."""
    return Sequences(
        ids=np.arange(1, 9, dtype=np.int32),
        offsets=np.array([0, 1, 4, 6, 8]),
        labels=np.array([2, 0]),
    )
