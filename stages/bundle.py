"""Make the bundle of an experiment: weights, tokenizer, temperatures, card and hashes.

    python -m stages.bundle exp1

Reads data/config/<experiment>.json, models/weights/<experiment>/, data/tokens/, the calibration
split and its predictions; writes models/<experiment>/ and the fitted temperatures, with the metrics
that they give, to data/calibration/<experiment>.json. Each further seed has a bundle of its own,
models/<experiment>/seed-<seed>/.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from preference.battles.predictions import (
    check_origin,
    check_predictions,
    read_predictions,
    rule_out_ties,
)
from preference.battles.soft_labels import label_columns, read_labels, read_weights
from preference.battles.splits import read_has_ties, read_split_battles, split_file
from preference.battles.table import BATTLES
from preference.bundle.manifest_schema import Manifest, describe_bundle
from preference.bundle.saving import write_bundle
from preference.config.experiment import Experiment, digest_of, fold_of, read_experiment
from preference.models.training_record import RunRecord, read_record, run_folder
from preference.runtime.atomic_write import write_text, writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.provenance import hash_files
from preference.runtime.stage_lock import running_alone
from preference.runtime.strict_json import to_json
from preference.sequences.token_store import find_trained_tokens
from preference.statistics.calibration import calibrate_run, find_warnings

MODELS = Path("models")
PREDICTIONS = Path("data/predictions")
CALIBRATION = Path("data/calibration")
SPLIT = split_file("calibration")


def main(name: str) -> None:
    """Write the bundle of each training run of the experiment `name`, and their temperatures."""
    experiment = read_experiment(name)
    records = [read_record(name, seed) for seed in experiment.seeds]
    manifests = [describe(experiment, record) for record in records]
    with writing_folder(MODELS / name) as folder:
        folders = [folder, *(folder / f"seed-{seed}" for seed in experiment.seeds[1:])]
        for record, manifest, one in zip(records, manifests, folders, strict=True):
            tokens = find_trained_tokens(record.tokens, name)
            write_bundle(run_folder(name, record.seed), tokens, manifest, one)
    fitted = [
        {
            "seed": manifest.seed,
            "weights": record.weights,
            "calibration": asdict(manifest.calibration),
        }
        for record, manifest in zip(records, manifests, strict=True)
    ]
    write_text(to_json(fitted, indent=2), CALIBRATION / f"{name}.json")


def describe(experiment: Experiment, record: RunRecord) -> Manifest:
    """Fit the temperatures of a training run, and return the manifest of its bundle."""
    path = PREDICTIONS / record.name / f"seed-{record.seed}" / "calibration.parquet"
    # Temperatures of other weights would be bundled without notice.
    check_origin(path, record.name, digest_of(experiment), record.weights)
    predictions = read_predictions(path, f"predict@{record.name}")
    fold = fold_of(experiment, record.seed)
    battles = read_split_battles(BATTLES, SPLIT, label_columns(BATTLES), fold)
    ids, groups = (battles[name].to_numpy() for name in ("id", "group"))
    labels, weights = read_labels(battles), read_weights(battles)
    check_predictions(record.name, predictions, ids)
    predictions = rule_out_ties(predictions, read_has_ties(battles))
    calibration = calibrate_run(labels, groups, predictions, record.seed, weights)
    warnings = find_warnings(record.name, labels, groups, predictions, calibration, weights)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return describe_bundle(record, calibration, hash_files([SPLIT]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the bundle of an experiment.")
    parser.add_argument("experiment")
    name = parser.parse_args().experiment
    with exit_on_bad_input(), running_alone(f"bundle_{name}"):
        main(name)
