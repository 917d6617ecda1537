"""Measures against the truth, which only simulated data has.

`oracle` is float64 [n, 3], the true probability of each label; `agreement` float64 [n], the part
of the true log(P(A) / P(B)) that lies in the agreement of prompt and answer. What is left of it,
the surface part, can be seen without reading the prompt.
"""

import numpy as np

from preference.statistics.metrics import SMALLEST


def regret(oracle: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean KL divergence of the prediction from the truth, in nats.

    It is the expected log loss above the oracle's, with the luck of the drawn labels taken out:
    never below 0, and 0 for the oracle alone.
    """
    return float(np.mean(np.sum(oracle * (_log(oracle) - _log(probabilities)), axis=1)))


def recovered_slopes(
    probabilities: np.ndarray, oracle: np.ndarray, agreement: np.ndarray
) -> tuple[float, float] | None:
    """Return how much of the (surface, agreement) part of the truth the prediction contains.

    These are the least-squares slopes of the predicted log(P(A) / P(B)) on the two true parts and
    a constant. The truth has (1, 1); a model that is blind to the prompt has agreement near 0.
    They are None where the battles do not tell the parts apart: too few, or one part is constant.
    """
    parts = np.column_stack([np.ones(len(oracle)), surface(oracle, agreement), agreement])
    if len(parts) <= parts.shape[1] or np.linalg.matrix_rank(parts) < parts.shape[1]:
        return None
    slopes = np.linalg.lstsq(parts, log_odds(probabilities))[0]
    return float(slopes[1]), float(slopes[2])


def agreement_decides(oracle: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Return bool [n]: the battles where agreement weighs more than the surface."""
    return np.abs(agreement) > np.abs(surface(oracle, agreement))


def surface(oracle: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Return the surface part of the true log odds, [n], up to a constant position bias."""
    return log_odds(oracle) - agreement


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return log(P(A) / P(B)), [n]."""
    return _log(probabilities[:, 0]) - _log(probabilities[:, 1])


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))
