"""Temperature scaling: one number that makes a model less sure of itself, or surer.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017, section 4.2. The
logits are the logarithms of the probabilities, which differ from a model's own by a constant.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from preference.metrics import SMALLEST, log_loss

# So much that it is at a bound only where a model knows nothing, or everything.
LARGEST = 20.0


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the least log loss on these battles.

    Args:
        labels: int [n].
        probabilities: float64 [n, 3].
    """
    bound = np.log(LARGEST)
    fit = minimize_scalar(
        lambda logarithm: log_loss(labels, apply_temperature(probabilities, np.exp(logarithm))),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(fit.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logits by `temperature`: probabilities [..., 3]; 1 changes nothing."""
    logits = np.log(np.maximum(probabilities, SMALLEST))
    return softmax(logits / temperature, axis=-1)
