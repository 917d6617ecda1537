"""Train one experiment: the shared parameters with its few overrides.

    python -m stages.train exp1

Reads data/tokens/ and the train, valid and calibration splits; writes models/<experiment>/, which
is all that using the model needs, and, with dvclive, metrics/<experiment>/. Where `train.seeds` has
several, each further training has a process of its own and writes models/<experiment>/seed-<seed>/.

A training that was killed goes on when it is run again, from its checkpoint in .checkpoints/ (or
where PREFERENCE_CHECKPOINTS says), and ends with the same bytes.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import keras
from dvclive import Live

from preference.backbones import load_backbone
from preference.battles import BATTLES, LABELS, has_oracle, label_shares
from preference.bundle_writer import (
    hash_files,
    library_versions,
    resolved_parameters,
    save_bundle,
)
from preference.checkpoint_file import remove_checkpoint
from preference.checkpoints import Checkpoints, find_checkpoint
from preference.errors import exit_on_bad_input
from preference.examples import Epochs, Examples
from preference.flop_count import summarize_flops
from preference.manifest import FORMAT, Manifest
from preference.model import build_model
from preference.packing import Packing, summarize_packing
from preference.params import Params, load_params
from preference.prediction import predict_battles
from preference.predictions import check_predictions
from preference.split_battles import read_split_battles
from preference.tokens import TOKENS, Tokens, find_tokens, open_tokens
from preference.training import train_model
from preference.training_calibration import Calibration, calibrate_training
from preference.training_identity import identify_training
from preference.training_progress import LiveMetrics, ProgressBar

SPLITS = Path("data/split")
SPLITS_READ = ("train", "valid", "calibration")
CHECKPOINTS = Path(os.environ.get("PREFERENCE_CHECKPOINTS", ".checkpoints"))


def main(name: str) -> None:
    """Train the experiment `name` once for each seed."""
    first, *others = load_params().experiment(name).training_seeds()
    folder = Path("models") / name
    with Live(f"metrics/{name}", dvcyaml=False, save_dvc_exp=False) as live:
        # In the place of the last step's values, which are not those of the model that is kept.
        live.summary = train(name, first, folder, live)
    for seed in others:
        # Keras and TensorFlow keep state, on which no training may depend.
        command = [sys.executable, "-m", "stages.train", name, f"--seed={seed}"]
        subprocess.run(command, check=True)
    for seed in (first, *others):
        remove_checkpoint(checkpoint_file(name, seed))


def train(name: str, seed: int, folder: Path, live: Live | None = None) -> dict[str, float]:
    """Train once, save the epoch that valid chose in `folder`, and return what is known of it."""
    params = load_params().experiment(name)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(params.train.precision)
    tokens_folder = find_tokens(TOKENS, params.model.preset)
    tokens = open_tokens(tokens_folder)
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    examples, valid = (read_examples(tokens, packing, split) for split in ("train", "valid"))
    backbone = load_backbone(params.model.preset, tokens.special.vocabulary_size)
    model = build_model(backbone, params.model)
    data = [BATTLES, *map(split_file, SPLITS_READ), TOKENS]
    identity = identify_training(params, seed, data, model)
    checkpoint = find_checkpoint(checkpoint_file(name, seed), identity)
    epochs = Epochs(
        examples,
        params.train.tokens_per_batch,
        seed,
        begin_epoch=checkpoint.epoch if checkpoint else 0,
        begin_step=checkpoint.step if checkpoint else 0,
    )
    logged = LiveMetrics(live, epochs) if live else None
    callbacks = [ProgressBar(name, epochs, params.train.epochs), *filter(None, [logged])]
    checkpoints = Checkpoints(
        checkpoint_file(name, seed),
        identity,
        params.train.checkpoint_minutes,
        epochs,
        logged,
        checkpoint,
    )
    trained = train_model(model, epochs, valid, params.train, callbacks, checkpoints)
    figures = {
        **summarize_packing(tokens, examples.rows, packing),
        "padding_share": examples.padding_share(),
        **summarize_flops(model, examples, trained["epochs"]),
        **trained,
    }
    calibration = calibrate(model, examples, name, seed)
    manifest = describe(name, seed, params, tokens_folder, examples, figures, calibration)
    save_bundle(model, tokens_folder, manifest, folder)
    return figures


def read_examples(tokens: Tokens, packing: Packing, split: str) -> Examples:
    """Find the tokens and labels of a split's battles."""
    battles = read_split_battles(BATTLES, split_file(split), ("label",))
    rows = tokens.rows_of(battles["id"].to_numpy())
    return Examples(tokens, packing, rows, battles["label"].to_numpy())


def calibrate(model: keras.Model, train: Examples, name: str, seed: int) -> Calibration:
    """Fit the temperatures on the calibration split, which the training has not seen."""
    battles = read_split_battles(BATTLES, split_file("calibration"), ("label",))
    ids = battles["id"].to_numpy()
    predictions = predict_battles(model, train.tokens, ids, train.packing, name)
    check_predictions(name, predictions, ids)
    labels, groups = battles["label"].to_numpy(), battles["group"].to_numpy()
    return calibrate_training(labels, groups, predictions, seed)


def describe(
    name: str,
    seed: int,
    params: Params,
    tokens_folder: Path,
    train: Examples,
    figures: dict[str, float],
    calibration: Calibration,
) -> Manifest:
    """Write down all that is known of a training."""
    return Manifest(
        format=FORMAT,
        name=name,
        seed=seed,
        labels=list(LABELS),
        simulated=has_oracle(BATTLES),
        packing=train.packing,
        tokens=tokens_folder.name,
        prior=list(label_shares(train.labels).values()),
        calibration=calibration,
        training=figures,
        parameters=resolved_parameters(params),
        data=hash_files([BATTLES, *map(split_file, SPLITS_READ)]),
        versions=library_versions(),
        files={},
        test=None,
    )


def checkpoint_file(name: str, seed: int) -> Path:
    """Return the path of a training's checkpoint."""
    return CHECKPOINTS / f"{name}-seed-{seed}.npz"


def split_file(split: str) -> Path:
    """Return the path of a split's ids."""
    return SPLITS / f"{split}.parquet"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one experiment of params.yaml.")
    parser.add_argument("experiment")
    parser.add_argument("--seed", type=int, help="train on this seed alone, into seed-<seed>/")
    arguments = parser.parse_args()
    with exit_on_bad_input():
        if arguments.seed is None:
            main(arguments.experiment)
        else:
            folder = Path("models") / arguments.experiment / f"seed-{arguments.seed}"
            train(arguments.experiment, arguments.seed, folder)
