"""Compute the true value of each metric on the whole population, without the noise of labels.

Log loss, accuracy, calibration gaps and the confusion matrix are linear in the labels: their
expectations are averages weighted by the oracle, and exact. Macro F1 and the calibration errors are
computed from the expected matrix and gaps, as the pipeline computes them from observed ones; that
is their limit for many battles.
"""

import numpy as np

from preference.battles.predictions import Predictions
from preference.statistics.calibration_error import (
    calibration_error,
    class_wise_gaps,
    top_label_gaps,
)
from preference.statistics.metric_estimates import resampled_f1_macro
from preference.statistics.metrics import CLASSES, flips, one_hot, row_log_loss, swap_difference


def expected_log_loss(oracle: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the log loss, in nats, that labels drawn from `oracle` [n, 3] give on average."""
    losses = [row_log_loss(np.full(len(oracle), label), probabilities) for label in CLASSES]
    return float(np.mean(np.sum(oracle * np.stack(losses, axis=1), axis=1)))


def expected_figures(oracle: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """Return the true values of the metrics that `estimate_metrics` estimates.

    Args:
        oracle: the true probabilities, float64 [n, 3].
        predictions: the predictions of a model for the n battles.
    """
    probabilities, swapped = predictions.probabilities, predictions.swapped
    counts = oracle.T @ one_hot(probabilities.argmax(axis=1))
    return {
        "log_loss": expected_log_loss(oracle, probabilities),
        "accuracy": float(np.trace(counts) / len(oracle)),
        "f1_macro": float(resampled_f1_macro(counts)),
        "flip_rate": float(np.mean(flips(probabilities, swapped))),
        "swap_difference": float(np.mean(swap_difference(probabilities, swapped))),
    }


def expected_calibration(oracle: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the true values of the errors that `summarize_calibration` estimates."""
    top = [
        oracle[:, label] @ top_label_gaps(np.full(len(oracle), label), probabilities)
        for label in CLASSES
    ]
    class_wise = class_wise_gaps(oracle, probabilities).mean(axis=0)
    return {
        "top_label_error": float(calibration_error(sum(top) / len(oracle))),
        "class_wise_error": float(calibration_error(class_wise).mean()),
    }
