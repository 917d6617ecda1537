"""Temperature scaling: one number that makes all predictions less or more confident.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017, section 4.2. The
logits are the logarithms of the probabilities, which differ from a model's own by a constant.
"""

import numpy as np
from scipy.special import softmax

from preference.battles.table import TIE
from preference.statistics.metrics import SMALLEST, log_loss

# A temperature from 1 / 20 to 20 suits every model that is neither useless nor perfect.
LARGEST = 20.0
TOLERANCE = 1e-6
# A fit is at a bound where the logarithms differ by less.
BOUND_TOLERANCE = 1e-3
# The log loss does not depend on the temperature where it varies by less.
FLAT_LOSS = 1e-12


def fit_temperature(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the temperature with the least log loss on these battles, from 1 / 20 to 20.

    It is 1 where every temperature has the same log loss, as for three equal probabilities.

    Args:
        labels: int [n], or shares, float64 [n, 3].
        probabilities: float64 [n, 3].
        weights: of the battles, float64 [n]; None if all are 1.
    """
    # Imported here, because a model that only predicts fits nothing, and it takes half a second.
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        return log_loss(labels, apply_temperature(probabilities, np.exp(logarithm)), weights)

    bound = np.log(LARGEST)
    if np.ptp([loss(-bound), loss(0.0), loss(bound)]) < FLAT_LOSS:
        return 1.0
    options = {"xatol": TOLERANCE}
    fit = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options=options)
    return float(np.exp(fit.x))


def describe_bound(temperature: float) -> str | None:
    """Explain that a fitted temperature is the smallest or largest that is tried; else None.

    The log loss then has no minimum in between, and the optimal temperature is unknown.
    """
    if abs(np.log(temperature)) < np.log(LARGEST) - BOUND_TOLERANCE:
        return None
    if temperature < 1:
        return (
            f"{temperature:.2f}, the smallest that is tried: the model is right about nearly all "
            "of the calibration battles, which do not show how confident it may be"
        )
    return (
        f"{temperature:.2f}, the largest that is tried: the predictions of the calibration "
        "battles are no better than chance, and the probabilities become nearly equal"
    )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities [..., 3] after the logits were divided by `temperature`.

    A tie with the probability 0, which the battle cannot be, keeps it.
    """
    logits = np.log(np.maximum(probabilities, SMALLEST))
    logits[..., TIE][probabilities[..., TIE] == 0] = -np.inf
    return softmax(logits / temperature, axis=-1)
