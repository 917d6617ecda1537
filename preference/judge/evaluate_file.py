"""Score bundles on a file of votes, with intervals and paired differences.

The bundles are compared as they are: the differences have the noise of the battles. That of
training cannot be known from single bundles.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from preference.battles.predictions import (
    Predictions,
    renormalise_without_ties,
    rule_out_ties,
)
from preference.battles.soft_labels import summarize_soft_labels
from preference.battles.table import BATTLES_A_BATCH, FIELDS
from preference.judge.judge import PreferenceJudge
from preference.judge.votes import Votes, read_votes
from preference.runtime.errors import BadInput
from preference.runtime.tensorflow_runtime import make_deterministic
from preference.runtime.terminal_text import LONGEST_TASK, one_line, printable
from preference.sequences.packing import SIDES
from preference.sources.quarantine import describe_unreadable
from preference.statistics.calibration_error import summarize_calibration
from preference.statistics.calibration_warnings import missing_labels
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.metric_estimates import estimate_metrics
from preference.statistics.metrics import count_impossible, is_constant, row_log_loss
from preference.statistics.paired_tests import Difference, Losses, compare_with

RESAMPLES, SEED = 2000, 2024
# As `evaluation.smallest_difference` of params.yaml: a smaller difference of log loss, in nats,
# does not matter.
SMALLEST_DIFFERENCE = 0.001
METRICS = ("log_loss", "accuracy", "f1_macro", "flip_rate")

# By the path of the bundle.
Predicted = Mapping[str, Predictions]
Result = dict[str, Any]


def evaluate_file(models: Sequence[Path], source: Path, both_orders: bool = False) -> Result:
    """Return the metrics of bundles on a file of votes, showing progress on stderr.

    Args:
        models: bundles, as folders or zip files.
        source: votes in any schema that can be trained on: a file, or a folder of files.
        both_orders: average the predictions of both orders of the answers.

    Returns:
        `models` has the metrics by the path of the bundle; `differences` those of log loss to the
        first bundle.

    Raises:
        BadInput: a bundle or a file cannot be used, a bundle is named twice, the file has no
            labels, or no row is a battle.
    """
    names = list(map(printable, models))
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise BadInput(f"{repeated} is named twice. Give each model once.")
    votes = read_votes(source)
    if votes.unreadable:
        text = describe_unreadable(votes.unreadable, len(votes.battles), str(source))
        tqdm.write(one_line(f"{text} They are not scored."), file=sys.stderr)
    make_deterministic()
    predicted, priors = {}, {}
    for name, model in zip(names, models, strict=True):
        judge = PreferenceJudge.load(model, both_orders)
        predictions = predict_votes(judge, votes)
        # As `split` does: a file without any tie is of people who could not choose one.
        predicted[name] = rule_out_ties(predictions, np.full(len(votes.labels), votes.has_ties))
        prior = np.array(judge.prior)
        priors[name] = prior if votes.has_ties else renormalise_without_ties(prior)
    bootstrap = GroupBootstrap(votes.groups, RESAMPLES, SEED, weights=votes.weights)
    return {
        **_describe_votes(votes),
        "both_orders": both_orders,
        "resamples": RESAMPLES,
        "models": {
            name: _score(votes.labels, predictions, priors[name], bootstrap)
            for name, predictions in predicted.items()
        },
        "compared_with": names[0],
        "differences": _compare(votes.labels, predicted, names[0], bootstrap),
    }


def predict_votes(judge: PreferenceJudge, votes: Votes) -> Predictions:
    """Predict all battles, in both orders of the answers."""
    parts = []
    task = one_line(f"predict {judge.name}", LONGEST_TASK)
    columns = votes.battles.select(FIELDS)
    with tqdm(total=len(columns) * len(SIDES), desc=task, unit=" answers") as progress:
        for batch in columns.to_batches(BATTLES_A_BATCH):
            parts.append(judge.predict_orders(batch.to_pylist(), progress.update))
    return Predictions(
        np.arange(len(columns)),
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.swapped for part in parts]),
    )


def _describe_votes(votes: Votes) -> Result:
    return {
        "file": printable(votes.source),
        "battles": len(votes.battles),
        "groups": len(np.unique(votes.groups)),
        "rows_unreadable": len(votes.unreadable),
        "too_few_groups": explain_few_groups(votes.groups, votes.weights),
        "missing_labels": missing_labels(votes.labels, votes.has_ties),
        "has_ties": votes.has_ties,
        **summarize_soft_labels(votes.labels, votes.weights),
    }


def _score(
    labels: np.ndarray,
    predictions: Predictions,
    prior: np.ndarray,
    bootstrap: GroupBootstrap,
) -> Result:
    """Return the metrics of a bundle, and its log loss compared with that of its prior."""
    metrics = estimate_metrics(labels, [predictions], bootstrap)
    errors = summarize_calibration(labels, [predictions], bootstrap, oracle=None)
    constant = np.tile(prior, (len(labels), 1))
    losses = {
        "model": row_log_loss(labels, predictions.probabilities)[None],
        "prior": row_log_loss(labels, constant)[None],
    }
    return {
        **{name: asdict(metrics[name]) for name in METRICS},
        "calibration_error": errors["top_label"],
        # The predictions of a single battle are always equal.
        "is_constant": len(labels) > 1 and is_constant(predictions.probabilities),
        "impossible_labels": count_impossible(labels, [predictions.probabilities]),
        "prior": {
            "impossible_labels": count_impossible(labels, [constant]),
            "log_loss": float(bootstrap.mean(losses["prior"][0])),
            "difference": _differences(["model"], "prior", losses, bootstrap)["model"],
        },
    }


def _compare(
    labels: np.ndarray, predicted: Predicted, first: str, bootstrap: GroupBootstrap
) -> dict[str, Result]:
    losses = {
        name: row_log_loss(labels, predictions.probabilities)[None]
        for name, predictions in predicted.items()
    }
    return _differences(list(predicted), first, losses, bootstrap)


def _differences(
    names: Sequence[str], other: str, losses: Losses, bootstrap: GroupBootstrap
) -> dict[str, Result]:
    differences = compare_with(other, names, losses, bootstrap)
    return {name: _to_record(difference) for name, difference in differences.items()}


def _to_record(difference: Difference) -> Result:
    return asdict(difference) | {"matters": abs(difference.value) >= SMALLEST_DIFFERENCE}
