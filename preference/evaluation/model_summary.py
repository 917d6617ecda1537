"""Everything that the evaluation says about one model by itself."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.scoring import Model, Truth, average_orders, calibrate_model
from preference.statistics.calibration_error import summarize_calibration
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import estimate_figures, estimate_log_loss
from preference.statistics.metrics import (
    SMALLEST,
    class_figures,
    confusion_counts,
    is_constant,
    row_log_loss,
)
from preference.statistics.oracle_metrics import agreement_decides, recovered_slopes, regret
from preference.statistics.paired_tests import paired_difference
from preference.statistics.seed_variance import seed_deviation
from preference.statistics.temperature_scaling import describe_bound


def describe_model(model: Model, test: Truth, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Return its figures with intervals, its calibration, its classes and what order does to it.

    Means over trainings, but for `classes`, `confusion` and the reliability diagram: those are of
    the first.

    Args:
        model: its predictions of the n test battles.
        test: the truth of the test battles.
        bootstrap: of the test battles.
    """
    scored = [training.test for training in model.scored]
    raw = [training.test for training in model.raw]
    probabilities = scored[0].probabilities
    estimates = estimate_figures(test.labels, scored, bootstrap)
    losses = row_losses(test.labels, scored)
    details = {
        "seeds": len(scored),
        **{name: asdict(estimate) for name, estimate in estimates.items()},
        "seed_sd": seed_deviation(losses.mean(axis=1)),
        "temperature": list(model.temperatures),
        "temperature_at_bound": any(map(describe_bound, model.temperatures)),
        "log_loss_uncalibrated": asdict(estimate_log_loss(test.labels, raw, bootstrap)),
        "calibration": summarize_calibration(test.labels, scored, bootstrap, test.oracle),
        "both_orders": _average_both_orders(model, test.labels, bootstrap),
        "impossible_labels": _count_impossible(test.labels, [*raw, *scored]),
        "is_constant": all(is_constant(one.probabilities) for one in raw),
        "classes": class_figures(test.labels, probabilities),
        "confusion": confusion_counts(test.labels, probabilities),
    }
    if test.oracle is not None and test.agreement is not None:
        details |= _against_oracle(losses, scored, test.oracle, test.agreement)
    return details


def row_losses(labels: np.ndarray, trainings: Sequence[Predictions]) -> np.ndarray:
    """Return the log loss of each battle by each training, float64 [seeds, n]."""
    return np.stack([row_log_loss(labels, one.probabilities) for one in trainings])


def _average_both_orders(
    model: Model, labels: np.ndarray, bootstrap: GroupBootstrap
) -> dict[str, dict[str, float | None]]:
    """Return the log loss of averaging both orders, and what it gains, both calibrated."""
    averaged = calibrate_model(
        [average_orders(run) for run in model.raw], model.fitted, both_orders=True
    )
    losses = row_losses(labels, [training.test for training in averaged.scored])
    present = row_losses(labels, [training.test for training in model.scored])
    # One training at a time: what averaging gains has none of the noise between trainings.
    gain = paired_difference(present.mean(axis=0)[None], losses.mean(axis=0)[None], bootstrap)
    estimate = estimate_log_loss(labels, [one.test for one in averaged.scored], bootstrap)
    return {
        "log_loss": asdict(estimate),
        "gain": {"value": gain.value, "low": gain.low, "high": gain.high},
    }


def _count_impossible(labels: np.ndarray, predictions: Sequence[Predictions]) -> int:
    """Count the battles whose label got probability 0, before or after the temperature."""
    battles = np.arange(len(labels))
    of_label = [one.probabilities[battles, labels] for one in predictions]
    return int(np.any(np.less_equal(of_label, SMALLEST), axis=0).sum())


def _against_oracle(
    losses: np.ndarray, trainings: Sequence[Predictions], oracle: np.ndarray, agreement: np.ndarray
) -> dict[str, Any]:
    slopes = [recovered_slopes(one.probabilities, oracle, agreement) for one in trainings]
    # Whether there are slopes depends on the battles alone.
    known = None not in slopes
    surface_recovered, agreement_recovered = (
        np.mean(slopes, axis=0).tolist() if known else (None, None)
    )
    decided = agreement_decides(oracle, agreement)
    return {
        "regret": float(np.mean([regret(oracle, one.probabilities) for one in trainings])),
        "surface_recovered": surface_recovered,
        "agreement_recovered": agreement_recovered,
        "log_loss_agreement": float(losses[:, decided].mean()) if decided.any() else None,
        "rows_agreement": int(decided.sum()),
    }
