"""Predict the calibration and test battles with each training run of an experiment.

    python -m stages.predict exp1

Reads data/config/<experiment>.json, models/weights/<experiment>/, data/tokens/ (where it uses
features, also data/features/<experiment>.npy) and the ids of both splits (of the seed's fold, where
there are folds), but no labels; writes
data/predictions/<experiment>/seed-<seed>/<split>.parquet, with both orders of the answers. No
temperature is applied.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import preference.runtime.lean_keras  # noqa: F401
from preference.battles.predictions import Origin, check_predictions, write_raw_predictions
from preference.battles.splits import PREDICTED_SPLITS, read_split_ids
from preference.config.experiment import fold_of, read_experiment
from preference.models.model_files import NORMALIZATION
from preference.models.saved_model import load_model
from preference.models.training_record import RunRecord, read_record, run_folder
from preference.prediction.predictor import predict_battles
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone
from preference.runtime.tensorflow_runtime import make_deterministic
from preference.sequences.feature_normalization import read_normalization
from preference.sequences.feature_store import find_rows, open_features
from preference.sequences.packing import full_lengths
from preference.sequences.token_store import find_trained_tokens, open_tokens

PREDICTIONS = Path("data/predictions")


def main(name: str) -> None:
    """Write the predictions of each training run of the experiment `name`."""
    experiment = read_experiment(name)
    make_deterministic()
    with writing_folder(PREDICTIONS / name) as folder:
        for seed in experiment.seeds:
            fold = fold_of(experiment, seed)
            splits = {split: read_split_ids(split, fold) for split in PREDICTED_SPLITS}
            record, uses = read_record(name, seed), experiment.model.features
            features = read_features(name, seed, splits) if uses else {}
            predict_run(record, splits, features, folder / f"seed-{seed}")


def read_features(name: str, seed: int, splits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the features of each split, normalised as those of train were with this seed."""
    path = run_folder(name, seed) / NORMALIZATION
    normalization, table = read_normalization(path, f"train_{name}"), open_features(name)
    return {
        split: normalization.normalize(table[find_rows(table, ids)])
        for split, ids in splits.items()
    }


def predict_run(
    record: RunRecord,
    splits: Mapping[str, np.ndarray],
    features: Mapping[str, np.ndarray],
    folder: Path,
) -> None:
    """Write the predictions of a training run for the battles of each split.

    Args:
        record: of the training run.
        splits: the ids of each split, int64 [n].
        features: of both sides of each split's battles, float32 [n, 2, features], if it reads any.
        folder: where they are written.
    """
    name, packing = record.name, record.packing
    model = load_model(run_folder(name, record.seed))
    tokens = open_tokens(find_trained_tokens(record.tokens, name))
    origin = Origin(experiment=record.experiment, weights=record.weights, seq_len=packing.seq_len)
    for split, ids in splits.items():
        predictions = predict_battles(model, tokens, ids, packing, name, features.get(split))
        check_predictions(name, predictions, ids)
        lengths = full_lengths(tokens, tokens.rows_of(ids), packing)
        truncated = lengths.max(axis=1) > packing.seq_len
        write_raw_predictions(predictions, truncated, origin, folder / f"{split}.parquet")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Predict calibration and test.")
    parser.add_argument("experiment")
    name = parser.parse_args().experiment
    with exit_on_bad_input(), running_alone(f"predict_{name}"):
        main(name)
