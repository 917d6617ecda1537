"""Compare every experiment, reference and, on simulated data, the oracle on the test battles.

A difference between two models is judged by its paired standard error over groups: both saw the
same battles, so what makes a battle hard for both cancels. The difference to `oracle` is the
realised gap, which luck may make negative; `regret` is its expectation, which is never below 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from preference.errors import BadInput
from preference.metrics import (
    accuracy,
    class_figures,
    confusion_counts,
    f1_macro,
    flip_rate,
    log_loss,
    row_log_loss,
    standard_error,
)
from preference.oracle_metrics import agreement_decides, recovered_slopes, regret
from preference.predictions import Predictions

ORACLE = "oracle"


@dataclass(frozen=True)
class Truth:
    """The test battles: `ids`, `labels` and `groups` are int [n].

    `oracle` [n, 3] and `agreement` [n] are as in the battles table, and None for real data.
    """

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    oracle: np.ndarray | None = None
    agreement: np.ndarray | None = None


def with_oracle(predictions: Mapping[str, Predictions], truth: Truth) -> dict[str, Predictions]:
    """Add the truth as one more model, `oracle`, where it is known."""
    if truth.oracle is None:
        return dict(predictions)
    return {**predictions, ORACLE: Predictions(truth.ids, truth.oracle, swapped=truth.oracle)}


def evaluate_models(
    predictions: Mapping[str, Predictions], truth: Truth
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Return the headline figures of each model, and the details behind them.

    Raises:
        BadInput: a model's predictions are of other battles, or are not probabilities, or the
            test split has a single group.
    """
    if len(np.unique(truth.groups)) < 2:
        raise BadInput("the test split has fewer than two groups: raise split.test.")
    for name, prediction in predictions.items():
        _check(name, prediction, truth)
    models = with_oracle(predictions, truth)
    headline = {name: _headline(truth.labels, model) for name, model in models.items()}
    losses = {name: row_log_loss(truth.labels, m.probabilities) for name, m in models.items()}
    details = {
        "simulated": truth.oracle is not None,
        "rows": len(truth.ids),
        "groups": len(np.unique(truth.groups)),
        "models": {name: _details(truth, model) for name, model in models.items()},
        "log_loss_differences": _differences(losses, truth.groups),
    }
    if truth.oracle is not None and truth.agreement is not None:
        decided = agreement_decides(truth.oracle, truth.agreement)
        if len(np.unique(truth.groups[decided])) > 1:
            on_decided = {name: rows[decided] for name, rows in losses.items()}
            details["agreement_differences"] = _differences(on_decided, truth.groups[decided])
    return headline, details


def _check(name: str, prediction: Predictions, truth: Truth) -> None:
    if not np.array_equal(prediction.ids, truth.ids):
        raise BadInput(f"{name}: its predictions are not those of the test battles, in order.")
    for probabilities in (prediction.probabilities, prediction.swapped):
        sums = probabilities.sum(axis=1)
        # Not `any(abs(...) > ...)`: a model that diverged predicts NaN, and must not pass.
        if not (np.all(probabilities >= 0) and np.allclose(sums, 1, atol=1e-4)):
            raise BadInput(
                f"{name}: some predictions are not probabilities. If its training diverged, lower "
                "train.learning_rate."
            )


def _headline(labels: np.ndarray, model: Predictions) -> dict[str, float]:
    return {
        "log_loss": log_loss(labels, model.probabilities),
        "accuracy": accuracy(labels, model.probabilities),
        "f1_macro": f1_macro(labels, model.probabilities),
        "flip_rate": flip_rate(model.probabilities, model.swapped),
    }


def _details(truth: Truth, model: Predictions) -> dict[str, Any]:
    losses = row_log_loss(truth.labels, model.probabilities)
    details = {
        "log_loss_standard_error": standard_error(losses, truth.groups),
        "classes": class_figures(truth.labels, model.probabilities),
        "confusion": confusion_counts(truth.labels, model.probabilities),
    }
    if truth.oracle is not None and truth.agreement is not None:
        details |= _against_oracle(losses, model.probabilities, truth.oracle, truth.agreement)
    return details


def _against_oracle(
    losses: np.ndarray, probabilities: np.ndarray, oracle: np.ndarray, agreement: np.ndarray
) -> dict[str, Any]:
    surface_recovered, agreement_recovered = recovered_slopes(probabilities, oracle, agreement)
    decided = agreement_decides(oracle, agreement)
    return {
        "regret": regret(oracle, probabilities),
        "surface_recovered": surface_recovered,
        "agreement_recovered": agreement_recovered,
        "log_loss_agreement": float(losses[decided].mean()) if decided.any() else None,
        "rows_agreement": int(decided.sum()),
    }


def _differences(
    losses: Mapping[str, np.ndarray], groups: np.ndarray
) -> dict[str, dict[str, dict[str, float]]]:
    """Return mean and paired standard error of each model's losses minus each other's."""
    return {
        name: {other: _summarize(losses[name] - losses[other], groups) for other in losses}
        for name in losses
    }


def _summarize(differences: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(differences.mean()),
        "standard_error": standard_error(differences, groups),
    }
