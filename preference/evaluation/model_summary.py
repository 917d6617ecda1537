"""The metrics of a single model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.scoring import Model
from preference.evaluation.targets import Oracle, Targets
from preference.statistics.calibration_error import calibration_errors, summarize_calibration
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import (
    estimate_log_loss,
    estimate_metrics,
    resample_metrics,
)
from preference.statistics.metrics import (
    class_figures,
    confusion_counts,
    count_impossible,
    is_constant,
    log_loss,
    row_log_loss,
)
from preference.statistics.oracle_metrics import agreement_decides, recovered_slopes, regret
from preference.statistics.paired_tests import paired_difference
from preference.statistics.temperature_scaling import describe_bound
from preference.statistics.training_noise import StandardError, pool_runs


def measure_runs(model: Model, test: Targets) -> dict[str, np.ndarray]:
    """Return each metric of every training run, float64 [runs]: those that have intervals."""
    as_they_are = GroupBootstrap(test.groups, resamples=0, seed=0, weights=test.weights)
    measured = [
        {
            **{
                name: values[0]
                for name, values in resample_metrics(test.labels, scored.test, as_they_are).items()
            },
            **calibration_errors(test.labels, scored.test.probabilities, test.weights),
            "log_loss_uncalibrated": log_loss(test.labels, raw.test.probabilities, test.weights),
            "log_loss_both_orders": log_loss(test.labels, both.test.probabilities, test.weights),
        }
        for scored, raw, both in zip(model.scored, model.raw, model.averaged, strict=True)
    ]
    values = {name: np.array([run[name] for run in measured]) for name in measured[0]}
    return values | {"gain": values["log_loss"] - values["log_loss_both_orders"]}


def describe_model(
    model: Model,
    test: Targets,
    bootstrap: GroupBootstrap,
    errors: Mapping[str, StandardError | None],
) -> dict[str, Any]:
    """Return the metrics of a model with intervals, as they are written as JSON.

    Metrics are means over training runs, except for `classes`, `confusion` and the reliability
    diagram, which are those of the first run.

    Args:
        model: its predictions of the test battles.
        test: the targets of the test battles.
        bootstrap: over the groups of the test battles.
        errors: the noise of training in each metric of `measure_runs`; None where it is unknown.
    """
    scored = [run.test for run in model.scored]
    raw = [run.test for run in model.raw]
    probabilities = scored[0].probabilities
    estimates = estimate_metrics(test.labels, scored, bootstrap, errors)
    losses = row_losses(test.labels, scored)
    deviation = pool_runs([bootstrap.mean(losses)])
    truth = None if test.oracle is None else test.oracle.probabilities
    details: dict[str, Any] = {
        "seeds": len(scored),
        **{name: asdict(estimate) for name, estimate in estimates.items()},
        "seed_sd": deviation.value if deviation else None,
        "temperature": list(model.temperatures),
        "temperature_at_bound": any(map(describe_bound, model.temperatures)),
        "log_loss_uncalibrated": asdict(
            estimate_log_loss(test.labels, raw, bootstrap, errors["log_loss_uncalibrated"])
        ),
        "calibration": summarize_calibration(test.labels, scored, bootstrap, truth, errors),
        "both_orders": _describe_both_orders(model, test.labels, bootstrap, errors),
        # Before or after the temperature.
        "impossible_labels": count_impossible(
            test.labels, [one.probabilities for one in [*raw, *scored]]
        ),
        "is_constant": all(is_constant(one.probabilities) for one in raw),
        "classes": class_figures(test.labels, probabilities, test.weights),
        "confusion": confusion_counts(test.labels, probabilities),
    }
    if test.oracle is not None:
        details |= _compare_with_oracle(losses, scored, test.oracle)
    return details


def row_losses(labels: np.ndarray, runs: Sequence[Predictions]) -> np.ndarray:
    """Return the log loss of each training run on each battle, float64 [seeds, n]."""
    return np.stack([row_log_loss(labels, run.probabilities) for run in runs])


def _describe_both_orders(
    model: Model,
    labels: np.ndarray,
    bootstrap: GroupBootstrap,
    errors: Mapping[str, StandardError | None],
) -> dict[str, dict[str, float | None]]:
    """Return the log loss of the average of both orders, and the gain, both after calibration."""
    averaged = [run.test for run in model.averaged]
    losses = row_losses(labels, averaged)
    present = row_losses(labels, [run.test for run in model.scored])
    gain = paired_difference(present, losses, bootstrap, errors["gain"])
    estimate = estimate_log_loss(labels, averaged, bootstrap, errors["log_loss_both_orders"])
    return {
        "log_loss": asdict(estimate),
        "gain": {"value": gain.value, "low": gain.low, "high": gain.high},
    }


def _compare_with_oracle(
    losses: np.ndarray, runs: Sequence[Predictions], oracle: Oracle
) -> dict[str, Any]:
    truth, agreement = oracle.probabilities, oracle.agreement
    slopes = [recovered_slopes(run.probabilities, truth, agreement) for run in runs]
    # Whether there are slopes depends on the battles alone, and so is the same for all runs.
    known = [pair for pair in slopes if pair is not None]
    surface, by_agreement = np.mean(known, axis=0).tolist() if known else (None, None)
    decided = agreement_decides(truth, agreement)
    return {
        "regret": float(np.mean([regret(truth, run.probabilities) for run in runs])),
        "surface_recovered": surface,
        "agreement_recovered": by_agreement,
        "log_loss_agreement": float(losses[:, decided].mean()) if decided.any() else None,
        "rows_agreement": int(decided.sum()),
    }
