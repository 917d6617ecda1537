"""Fit the references: class prior, answer lengths, TF-IDF differences, trees, their mean.

    python -m stages.train_reference

Reads data/battles.parquet, data/split/train.parquet and, for the weights of `stack` and the
metrics, data/split/valid.parquet; writes models/reference/ and metrics/reference.json. With folds,
those of each fold are in models/reference/fold-<fold>/, and the metrics are means over the folds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from preference.battles.predictions import rule_out_ties
from preference.battles.soft_labels import label_columns, read_labels, read_weights
from preference.battles.splits import (
    fold_folder,
    read_folds,
    read_has_ties,
    read_members,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES, FIELDS
from preference.config.params import ReferenceParams, load_params
from preference.references.files import FEATURES
from preference.references.models import (
    fit_references,
    predict_references,
    save_reference,
)
from preference.references.trees import TreesReference, measure_importance
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.stage_lock import running_alone
from preference.statistics.metrics import accuracy, log_loss

FOLDER = Path("models/reference")
METRICS = Path("metrics/reference.json")


def main() -> None:
    """Write each reference, and its metrics on valid."""
    params = load_params()
    with writing_folder(FOLDER) as folder:
        folds = read_folds(split_file("train"))
        by_fold = [
            train_references(params.reference, params.seed, fold, fold_folder(folder, fold))
            for fold in folds
        ]
    metrics: dict[str, dict[str, Any]] = {
        name: average([one[name] for one, _ in by_fold]) for name in by_fold[0][0]
    }
    metrics[FEATURES]["importance"] = average([importance for _, importance in by_fold])
    metrics["train"] = average([count_train(params.reference, fold) for fold in folds])
    write_metrics(metrics, METRICS)
    if metrics["train"]["battles_read"] < metrics["train"]["battles"]:
        print(
            f"The references are fitted to {metrics['train']['battles_read']:,.0f} of "
            f"{metrics['train']['battles']:,.0f} battles of train (reference.most_battles)."
        )


def train_references(
    params: ReferenceParams, seed: int, fold: int | None, folder: Path
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Write each reference of a fold.

    Returns:
        Its metrics on valid, by name, and there the importance of each group of dense features.
    """
    columns = (*FIELDS, *label_columns(BATTLES))
    train, valid = (
        read_split_battles(BATTLES, split_file(split), columns, fold, params.most_battles)
        for split in ("train", "valid")
    )
    labels, has_ties, weights = read_labels(valid), read_has_ties(valid), read_weights(valid)
    references = fit_references(train, valid, params, seed)
    for reference in references.values():
        save_reference(reference, folder)
    metrics = {
        name: {
            "log_loss": log_loss(labels, probabilities, weights),
            "accuracy": accuracy(labels, probabilities, weights),
        }
        for name, predictions in predict_references(references, valid).items()
        for probabilities in [rule_out_ties(predictions, has_ties).probabilities]
    }
    trees = references[FEATURES]
    assert isinstance(trees, TreesReference)
    return metrics, measure_importance(trees, valid, seed)


def count_train(params: ReferenceParams, fold: int | None) -> dict[str, float]:
    """Return the battles of train in a fold, and how many of them the references are fitted to."""
    battles = len(read_members(split_file("train"), fold))
    return {"battles": battles, "battles_read": min(battles, params.most_battles)}


def average(folds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over the folds of each value."""
    return {name: float(np.mean([one[name] for one in folds])) for name in folds[0]}


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("train_reference"):
        main()
