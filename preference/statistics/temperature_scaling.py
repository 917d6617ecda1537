"""Temperature scaling: one number that makes a model less sure of itself, or surer.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017, section 4.2. The
logits are the logarithms of the probabilities, which differ from a model's own by a constant.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from preference.statistics.metrics import SMALLEST, log_loss

# So much that it is at a bound only where a model knows nothing, or everything.
LARGEST = 20.0
TOLERANCE = 1e-6
# A fit this near to a bound, in the logarithm, has come to it.
NEAR = 1e-3
# A model whose log loss changes by less with any temperature needs none.
FLAT = 1e-12


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the least log loss on these battles, from 1 / 20 to 20.

    It is 1 where all have the same log loss, as for equal probabilities of the three labels.

    Args:
        labels: int [n].
        probabilities: float64 [n, 3].
    """

    def loss(logarithm: float) -> float:
        return log_loss(labels, apply_temperature(probabilities, np.exp(logarithm)))

    bound = np.log(LARGEST)
    if np.ptp([loss(-bound), loss(0.0), loss(bound)]) < FLAT:
        return 1.0
    options = {"xatol": TOLERANCE}
    fit = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options=options)
    return float(np.exp(fit.x))


def describe_bound(temperature: float) -> str | None:
    """Say that a fitted temperature is the smallest or largest that is tried; else None.

    Then the log loss has no least value between, and the number says only which way it falls.
    """
    if abs(np.log(temperature)) < np.log(LARGEST) - NEAR:
        return None
    if temperature < 1:
        return (
            f"{temperature:.2f}, the smallest that is tried: the model is right about nearly all "
            "of the calibration battles, which do not tell how sure it may be"
        )
    return (
        f"{temperature:.2f}, the largest that is tried: the model knows nothing of the calibration "
        "battles, or is wrong about them, and its probabilities are made nearly equal"
    )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logits by `temperature`: probabilities [..., 3]; 1 changes nothing."""
    logits = np.log(np.maximum(probabilities, SMALLEST))
    return softmax(logits / temperature, axis=-1)
