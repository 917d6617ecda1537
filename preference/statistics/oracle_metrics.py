"""Metrics against the oracle, which only simulated data has.

`oracle` is float64 [n, 3], the true probability of each label. `agreement` is float64 [n], the
part of the true log odds log(P(A) / P(B)) that comes from the agreement of prompt and answer. The
rest, the surface part, can be seen without reading the prompt.
"""

import numpy as np

from preference.statistics.metrics import SMALLEST


def regret(oracle: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean KL divergence of the prediction from the truth, in nats.

    This is the expected excess of log loss over the oracle's, without the noise of drawn labels. It
    is never below 0, and 0 only for the oracle.
    """
    return float(np.mean(np.sum(oracle * (_log(oracle) - _log(probabilities)), axis=1)))


def recovered_slopes(
    probabilities: np.ndarray, oracle: np.ndarray, agreement: np.ndarray
) -> tuple[float, float] | None:
    """Return how much of the surface and the agreement part of the true log odds was predicted.

    These are the least-squares slopes of the predicted log odds on the two true parts and a
    constant. The oracle has (1, 1); a model that does not read the prompt has an agreement slope
    near 0. They are None where least squares has no unique solution, because there are too few
    battles or one of the parts is constant.
    """
    parts = np.column_stack([np.ones(len(oracle)), surface(oracle, agreement), agreement])
    if len(parts) <= parts.shape[1] or np.linalg.matrix_rank(parts) < parts.shape[1]:
        return None
    slopes = np.linalg.lstsq(parts, log_odds(probabilities))[0]
    return float(slopes[1]), float(slopes[2])


def agreement_decides(oracle: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Return in which battles the agreement part is larger than the surface part: bool [n]."""
    return np.abs(agreement) > np.abs(surface(oracle, agreement))


def surface(oracle: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Return the surface part of the true log odds, [n], up to a constant position bias."""
    return log_odds(oracle) - agreement


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return log(P(A) / P(B)), [n]."""
    return _log(probabilities[:, 0]) - _log(probabilities[:, 1])


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))
