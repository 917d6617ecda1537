"""Fit the references: class prior, answer lengths, TF-IDF differences.

    python -m stages.train_reference

Reads data/battles.parquet, data/split/train.parquet and, only for the metrics,
data/split/valid.parquet; writes models/reference/*.json and metrics/reference.json.
"""

from pathlib import Path

from preference.battles.predictions import rule_out_ties
from preference.battles.splits import read_has_ties, read_split_battles, split_file
from preference.battles.table import BATTLES
from preference.config.params import REFERENCES, load_params
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
    train = read_split_battles(BATTLES, split_file("train"), BATTLE_COLUMNS)
    valid = read_split_battles(BATTLES, split_file("valid"), BATTLE_COLUMNS)
    labels = valid["label"].to_numpy()
    metrics = {}
    with writing_folder(FOLDER) as folder:
        for name in REFERENCES:
            reference = fit_reference(name, train, params.reference)
            save_reference(reference, folder)
            predictions = rule_out_ties(predict_reference(reference, valid), read_has_ties(valid))
            probabilities = predictions.probabilities
            metrics[name] = {
                "log_loss": log_loss(labels, probabilities),
                "accuracy": accuracy(labels, probabilities),
            }
    write_metrics(metrics, METRICS)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("train_reference"):
        main()
