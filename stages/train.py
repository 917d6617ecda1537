"""Train one experiment: the shared parameters with its few overrides.

    python -m stages.train exp1

Reads data/tokens/ and the train, valid and calibration splits; writes models/<experiment>/, which
is all that using the model needs, and, with dvclive, metrics/<experiment>/. Where `train.seeds` has
several, each further training has a process of its own and writes models/<experiment>/seed-<seed>/.

A training that was killed goes on when it is run again, from its checkpoint in .checkpoints/ (or
where PREFERENCE_CHECKPOINTS says), and ends with the same bytes. The checkpoint stays until the
experiment is next trained: the stage may be killed before DVC has recorded what it has written.

On JAX the training is done by processes of its own: one, as many as PREFERENCE_PROCESSES says, or
one a host (docs/distributed.md). What follows a training is done here, on TensorFlow.
"""

import argparse
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import keras
from dvclive import Live

from preference.battles.predictions import check_predictions
from preference.battles.splits import read_split_battles, split_file
from preference.battles.table import BATTLES, LABELS, has_oracle, label_shares
from preference.bundle.io import (
    hash_files,
    library_versions,
    resolved_parameters,
    save_bundle,
)
from preference.bundle.manifest_schema import FORMAT, Manifest, TrainingFigures
from preference.config.params import Params, load_params
from preference.prediction.predictor import predict_battles
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.stage_lock import running_alone
from preference.sequences.packing import summarize_packing
from preference.statistics.calibration import Calibration, calibrate_training, find_warnings
from preference.training.checkpoint_file import remove_old_checkpoints
from preference.training.checkpointing import take_over
from preference.training.dataset import Examples
from preference.training.distributed.launcher import (
    ProcessGroup,
    end_with_parent,
    read_process_group,
    run_processes,
)
from preference.training.fit import choose_best
from preference.training.flops import summarize_flops
from preference.training.run import (
    SPLITS_READ,
    Training,
    fit_training,
    prepare_training,
)


def main(name: str) -> None:
    """Train the experiment `name` once for each seed, or do this host's part of it."""
    params = load_params().experiment(name)
    group = read_process_group(os.environ, params.train)
    if not group.has_first:
        train_on_jax(name, params, group)
        return
    with running_alone(f"train_{name}"):
        remove_old_checkpoints(name, params.training_seeds())
        train_and_save(name, params, group)


def train_and_save(name: str, params: Params, group: ProcessGroup) -> None:
    """Train on each seed, and write all that is known of it."""
    first, *others = params.training_seeds()
    on_jax = params.train.backend == "jax"
    if on_jax:
        train_on_jax(name, params, group)
    with open_live(name, resume=on_jax) as live:
        if on_jax:
            # Else dvclive would begin with the one after.
            live.step = live.read_step()
        # In the place of the last step's values, which are not those of the model that is kept.
        live.summary = train(name, first, Path("models") / name, live)
    for seed in others:
        # Keras and TensorFlow keep state, on which no training may depend.
        run_processes(command(name, seed), {0: os.environ}, size=1)


def train_on_jax(name: str, params: Params, group: ProcessGroup) -> None:
    """Start this host's processes, once for each seed; the first of all leaves a checkpoint."""
    for seed in params.training_seeds():
        environments = group.environments({**os.environ, "KERAS_BACKEND": "jax"})
        run_processes(command(name, seed, "--process"), environments, group.size)


def train(name: str, seed: int, folder: Path, live: Live | None = None) -> dict[str, float]:
    """Train once, save the epoch that valid chose in `folder`, and return what is known of it."""
    training = prepare_training(name, seed)
    params, examples, model = training.params, training.train, training.model
    if params.train.backend == "jax":
        best = take_over(training.checkpoint, params.train.patience, params.train.epochs)
        trained = choose_best(model, best)
    else:
        trained = fit_training(training, live)
    figures = {
        **summarize_packing(examples.tokens, examples.rows, examples.packing),
        "padding_share": examples.padding_share(),
        **summarize_flops(model, examples, trained["epochs"]),
        **trained,
    }
    calibration = calibrate(model, examples, name, seed)
    manifest = describe(training, figures, calibration)
    save_bundle(model, training.tokens_folder, manifest, folder)
    return figures


def train_together(name: str, seed: int) -> None:
    """Train as one of the processes that `main` starts; the first leaves a checkpoint."""
    from preference.training.distributed.worker import find_same_checkpoint, joined_processes

    end_with_parent()
    params = load_params().experiment(name)
    group = read_process_group(os.environ, params.train)
    is_logged = group.has_first and seed == params.training_seeds()[0]
    with joined_processes(group, params.train.distribution) as shard:
        training = prepare_training(name, seed)
        with open_live(name) if is_logged else nullcontext() as live:
            fit_training(training, live, shard, find_same_checkpoint)


def calibrate(model: keras.Model, train: Examples, name: str, seed: int) -> Calibration:
    """Fit the temperatures on the calibration split, which the training has not seen."""
    battles = read_split_battles(BATTLES, split_file("calibration"), ("label",))
    ids = battles["id"].to_numpy()
    predictions = predict_battles(model, train.tokens, ids, train.packing, name)
    check_predictions(name, predictions, ids)
    labels, groups = battles["label"].to_numpy(), battles["group"].to_numpy()
    calibration = calibrate_training(labels, groups, predictions, seed)
    for warning in find_warnings(name, labels, groups, predictions, calibration):
        print(f"warning: {warning}", file=sys.stderr)
    return calibration


def describe(training: Training, figures: dict[str, float], calibration: Calibration) -> Manifest:
    """Write down all that is known of a training."""
    params = training.params
    return Manifest(
        format=FORMAT,
        name=training.name,
        seed=training.seed,
        labels=list(LABELS),
        simulated=has_oracle(BATTLES),
        packing=training.train.packing,
        tokens=training.tokens_folder.name,
        prior=list(label_shares(training.train.labels).values()),
        calibration=calibration,
        training=TrainingFigures(**figures),
        parameters=resolved_parameters(params),
        data=hash_files([BATTLES, *map(split_file, SPLITS_READ)]),
        versions=library_versions(params.train.backend),
        files={},
        test=None,
    )


def open_live(name: str, resume: bool = False) -> Live:
    """Open dvclive for an experiment, anew or after what another process has logged."""
    return Live(f"metrics/{name}", dvcyaml=False, save_dvc_exp=False, resume=resume)


def command(name: str, seed: int, *options: str) -> list[str]:
    """Return the command that trains on one seed in a process of its own."""
    return [sys.executable, "-m", "stages.train", name, f"--seed={seed}", *options]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one experiment of params.yaml.")
    parser.add_argument("experiment")
    parser.add_argument("--seed", type=int, help="train on this seed alone, into seed-<seed>/")
    parser.add_argument("--process", action="store_true", help="train as one of several processes")
    arguments = parser.parse_args()
    name, seed = arguments.experiment, arguments.seed
    with exit_on_bad_input():
        if arguments.process:
            train_together(name, seed)
        elif seed is None:
            main(name)
        else:
            with running_alone(f"train_{name}-seed-{seed}"):
                train(name, seed, Path("models") / name / f"seed-{seed}")
