"""Fit the references: class prior, answer lengths, TF-IDF differences, trees, their mean.

    python -m stages.train_reference

Reads data/battles.parquet, data/split/train.parquet and, for the weights of `stack` and the
metrics, data/split/valid.parquet; writes models/reference/ and metrics/reference.json.
"""

from pathlib import Path
from typing import Any

from preference.battles.predictions import rule_out_ties
from preference.battles.splits import read_has_ties, read_split_battles, split_file
from preference.battles.table import BATTLES
from preference.config.params import load_params
from preference.references.files import FEATURES
from preference.references.models import (
    BATTLE_COLUMNS,
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
    train = read_split_battles(BATTLES, split_file("train"), BATTLE_COLUMNS)
    valid = read_split_battles(BATTLES, split_file("valid"), BATTLE_COLUMNS)
    labels, has_ties = valid["label"].to_numpy(), read_has_ties(valid)
    references = fit_references(train, valid, params.reference, params.seed)
    metrics: dict[str, dict[str, Any]] = {
        name: {
            "log_loss": log_loss(labels, probabilities),
            "accuracy": accuracy(labels, probabilities),
        }
        for name, predictions in predict_references(references, valid).items()
        for probabilities in [rule_out_ties(predictions, has_ties).probabilities]
    }
    trees = references[FEATURES]
    if isinstance(trees, TreesReference):
        metrics[FEATURES]["importance"] = measure_importance(trees, valid, params.seed)
    with writing_folder(FOLDER) as folder:
        for reference in references.values():
            save_reference(reference, folder)
    write_metrics(metrics, METRICS)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("train_reference"):
        main()
