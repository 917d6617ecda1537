"""An array that grows at its end, without a second copy of what it holds."""

import numpy as np
from numpy.typing import DTypeLike


class GrowingArray:
    """A flat NumPy array to which values are appended.

    The system moves the pages of a large array and copies nothing, where joining a list of arrays
    needs the memory of all of them twice.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.values = np.empty(0, dtype=dtype)

    def append(self, more: np.ndarray) -> None:
        """Add values of any shape at the end."""
        size = len(self.values)
        # Nobody has a view of the values before the last of them is added.
        self.values.resize(size + more.size, refcheck=False)
        self.values[size:] = more.ravel()
