"""Fit the references: class prior, answer lengths, TF-IDF differences.

    python -m stages.train_reference

Reads data/battles.parquet, data/split/train.parquet and, only for the metrics,
data/split/valid.parquet; writes models/reference/*.json and metrics/reference.json. With folds,
those of each fold are in models/reference/fold-<fold>/, and the metrics are means over the folds.
"""

from pathlib import Path

import numpy as np

from preference.battles.predictions import rule_out_ties
from preference.battles.splits import (
    fold_folder,
    read_folds,
    read_has_ties,
    read_split_battles,
    split_file,
)
from preference.battles.table import BATTLES
from preference.config.params import REFERENCES, ReferenceParams, load_params
from preference.references.models import (
    BATTLE_COLUMNS,
    fit_reference,
    predict_reference,
    save_reference,
)
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
        by_fold = [
            train_references(params.reference, fold, fold_folder(folder, fold))
            for fold in read_folds(split_file("train"))
        ]
    metrics = {
        name: {
            metric: float(np.mean([one[name][metric] for one in by_fold]))
            for metric in by_fold[0][name]
        }
        for name in REFERENCES
    }
    write_metrics(metrics, METRICS)


def train_references(
    params: ReferenceParams, fold: int | None, folder: Path
) -> dict[str, dict[str, float]]:
    """Write each reference of a fold, and return its metrics on valid."""
    train, valid = (
        read_split_battles(BATTLES, split_file(split), BATTLE_COLUMNS, fold)
        for split in ("train", "valid")
    )
    labels = valid["label"].to_numpy()
    metrics = {}
    for name in REFERENCES:
        reference = fit_reference(name, train, params)
        save_reference(reference, folder)
        predictions = rule_out_ties(predict_reference(reference, valid), read_has_ties(valid))
        probabilities = predictions.probabilities
        metrics[name] = {
            "log_loss": log_loss(labels, probabilities),
            "accuracy": accuracy(labels, probabilities),
        }
    return metrics


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("train_reference"):
        main()
