"""The calibration of one model: expected errors with their noise, and a reliability diagram."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.calibration_error import (
    calibration_error,
    class_wise_gaps,
    error_if_calibrated,
    mean_calibration_error,
    reliability,
    top_label_gaps,
)
from preference.error_interval import Measure, estimate_error
from preference.group_bootstrap import GroupBootstrap
from preference.metrics import one_hot
from preference.predictions import Predictions


def summarize_calibration(
    labels: np.ndarray,
    trainings: Sequence[Predictions],
    bootstrap: GroupBootstrap,
    oracle: np.ndarray | None,
) -> dict[str, Any]:
    """Return the errors, means over trainings; the diagram is that of the first training.

    Args:
        labels: int [n].
        trainings: one a seed, of the n battles.
        bootstrap: of the n battles.
        oracle: the true probabilities [n, 3], where they are known: the class-wise error against
            them is `truth`, which has no noise of labels.
    """
    probabilities = [one.probabilities for one in trainings]
    top = [bootstrap.means(top_label_gaps(labels, predicted)) for predicted in probabilities]
    observed = one_hot(labels)
    class_wise = [
        bootstrap.means(class_wise_gaps(observed, predicted)) for predicted in probabilities
    ]
    floors = [error_if_calibrated(predicted, bootstrap.random) for predicted in probabilities]
    top_floor, class_wise_floor = np.mean(floors, axis=0).tolist()
    return {
        "top_label": {
            **_estimate(top, calibration_error, bootstrap),
            "if_calibrated": top_floor,
        },
        "class_wise": {
            **_estimate(class_wise, mean_calibration_error, bootstrap),
            "if_calibrated": class_wise_floor,
        },
        "truth": None if oracle is None else _against_truth(oracle, probabilities),
        "reliability": [asdict(one) for one in reliability(labels, probabilities[0], bootstrap)],
    }


def _estimate(
    gaps: Sequence[np.ndarray], measure: Measure, bootstrap: GroupBootstrap
) -> dict[str, float | None]:
    """Return the error with its interval, or without one where there are too few groups.

    The noise of few seeds is wide: bounds are cut at 1, which the error cannot exceed.
    """
    estimate = estimate_error(gaps, measure, bootstrap.random)
    if estimate.low is None or not bootstrap.has_enough_groups():
        return {"value": estimate.value, "low": None, "high": None}
    low, high = min(estimate.low, 1.0), min(estimate.high, 1.0)
    return {"value": estimate.value, "low": low, "high": high}


def _against_truth(oracle: np.ndarray, probabilities: Sequence[np.ndarray]) -> float:
    errors = [
        mean_calibration_error(class_wise_gaps(oracle, predicted).mean(axis=0))
        for predicted in probabilities
    ]
    return float(np.mean(errors))
