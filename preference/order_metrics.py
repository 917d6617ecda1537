"""How much a prediction depends on which answer is shown first.

`swapped` is the prediction for the other order, mapped back to the original names, as in
`Predictions`.
"""

import numpy as np


def flips(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return which battles' predicted label changes with the order: bool [n]."""
    return probabilities.argmax(axis=-1) != swapped.argmax(axis=-1)


def swap_difference(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return the mean absolute change of the three probabilities with the order: float64 [n]."""
    return np.abs(probabilities - swapped).mean(axis=-1)
