"""Train one experiment, once on each of its seeds, on the seed's fold where there are folds.

    python -m stages.train exp1

Reads data/config/<experiment>.json, data/initial_networks/<experiment>/, data/tokens/, the splits
train and valid and, where the experiment uses features, data/features/<experiment>.npy; writes, for
each seed, the chosen weights and how they came about to models/weights/<experiment>/seed-<seed>/,
and, with dvclive, metrics/train/<experiment>/. Of several seeds, each is trained in a process of
its own, and as many at once as there are cores for (`train.threads`).

A training that was killed resumes when it is run again, from its checkpoint in .checkpoints/ (or
where PREFERENCE_CHECKPOINTS says), and ends with the same bytes. The checkpoint stays until the
experiment is next trained: the stage may be killed before DVC has recorded what it has written.

On JAX the training is done by processes of its own: one, as many as PREFERENCE_PROCESSES says, or
one a host (docs/distributed.md). What follows a training is done here, on TensorFlow.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dvclive import Live

import preference.runtime.lean_keras  # noqa: F401
from preference.battles.soft_labels import label_prior
from preference.battles.table import BATTLES, has_oracle
from preference.config.experiment import (
    Experiment,
    digest_of,
    read_experiment,
    read_present_experiment,
    shown_parameters,
)
from preference.config.params import load_params
from preference.models.fused.xla import on_tensorflow_cpu
from preference.models.model_files import NORMALIZATION, WEIGHTS
from preference.models.precision import choose_precision
from preference.models.saved_model import save_model
from preference.models.training_record import (
    TRAINED,
    RunRecord,
    TrainingMetrics,
    write_record,
)
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.processes import Process, end_with_parent, run_processes
from preference.runtime.processor import PROCESSOR, processor_name
from preference.runtime.provenance import (
    hash_file,
    library_versions,
)
from preference.runtime.stage_lock import running_alone
from preference.sequences.feature_normalization import write_normalization
from preference.sequences.packing import summarize_packing
from preference.training.adapters import merge_adapters
from preference.training.checkpoint_paths import remove_old_checkpoints
from preference.training.checkpointing import load_finished_run
from preference.training.distributed.launcher import (
    ProcessGroup,
    read_process_group,
    run_together,
)
from preference.training.fit import choose_best
from preference.training.flops import summarize_flops
from preference.training.run import TrainingRun, fit_run, prepare_run
from preference.training.threads import runs_at_once, thread_variables


def main(name: str) -> None:
    """Train the experiment `name` once on each seed, or do this host's part of it."""
    experiment = read_present_experiment(name)
    os.environ.update(thread_variables(experiment.train.threads))
    group = read_process_group(os.environ, experiment.train)
    if not group.has_first:
        train_on_jax(experiment, group)
        return
    with running_alone(f"train_{name}"):
        remove_old_checkpoints(name, experiment.seeds)
        with writing_folder(TRAINED / name) as folder:
            train_and_save(experiment, group, folder)


def train_and_save(experiment: Experiment, group: ProcessGroup, folder: Path) -> None:
    """Train on each seed, and write what each training run leaves below `folder`."""
    if experiment.train.backend == "jax":
        train_on_jax(experiment, group)
    if len(experiment.seeds) == 1:
        train_and_log(experiment, folder)
        return
    # Keras and TensorFlow keep state, on which no training may depend.
    runs = [
        Process(
            f"the run with seed {seed}",
            command(experiment.name, seed, f"--into={folder}"),
            os.environ,
        )
        for seed in experiment.seeds
    ]
    at_once = runs_at_once(experiment.train.threads, on_tensorflow_cpu())
    run_processes(runs, at_once, "Run the same command again: each run resumes.")


def train_and_log(experiment: Experiment, folder: Path) -> None:
    """Train on the first seed, of which dvclive logs the metrics."""
    on_jax = experiment.train.backend == "jax"
    with open_live(experiment.name, resume=on_jax) as live:
        if on_jax:
            # Without this, dvclive would begin with the step after.
            live.step = live.read_step()
        # These replace the last step's values, which are not those of the model that is kept.
        live.summary = train(experiment, experiment.seeds[0], folder, live)


def train_on_jax(experiment: Experiment, group: ProcessGroup) -> None:
    """Start this host's processes, once on each seed; the first of all leaves a checkpoint."""
    for seed in experiment.seeds:
        environments = group.environments({**os.environ, "KERAS_BACKEND": "jax"})
        run_together(command(experiment.name, seed, "--process"), environments, group.size)


def train(
    experiment: Experiment, seed: int, folder: Path, live: Live | None = None
) -> dict[str, Any]:
    """Train once, save the epoch that valid chose below `folder`, and return what was measured."""
    training = prepare_run(experiment, seed)
    params, examples, model = experiment.train, training.train, training.model
    if params.backend == "jax":
        best = load_finished_run(training.checkpoint, params.patience, params.epochs)
        trained = choose_best(model, best)
    else:
        trained = fit_run(training, live, load_params().train.checkpoint_minutes)
    model = merge_adapters(model)
    figures: dict[str, Any] = {
        **summarize_packing(examples.tokens, examples.rows, examples.packing),
        "padding_share": examples.padding_share(),
        **summarize_flops(model, examples, int(trained["epochs"])),
        **trained,
    }
    run = folder / f"seed-{seed}"
    save_model(model, run)
    if examples.features:
        write_normalization(examples.features.normalization, run / NORMALIZATION)
    write_record(describe(training, figures, hash_file(run / WEIGHTS)), run)
    return figures


def train_alone(experiment: Experiment, seed: int, folder: Path | None) -> None:
    """Train on one seed: as a process that `train_and_save` starts, which says where, or not."""
    if folder:
        end_with_parent()
    if folder and seed == experiment.seeds[0]:
        train_and_log(experiment, folder)
    else:
        train(experiment, seed, folder or TRAINED / experiment.name)


def train_together(experiment: Experiment, seed: int) -> None:
    """Train as one of the processes that `main` starts; the first leaves a checkpoint."""
    from preference.training.distributed.worker import find_same_checkpoint, joined_processes

    end_with_parent()
    group = read_process_group(os.environ, experiment.train)
    minutes = load_params().train.checkpoint_minutes
    is_logged = group.has_first and seed == experiment.seeds[0]
    with joined_processes(group, experiment.train.distribution) as shard:
        training = prepare_run(experiment, seed)
        with open_live(experiment.name) if is_logged else nullcontext() as live:
            fit_run(training, live, minutes, shard, find_same_checkpoint)


def describe(training: TrainingRun, figures: Mapping[str, Any], weights: str) -> RunRecord:
    """Describe how the weights, which have this sha256, came about."""
    experiment, train = training.experiment, training.train
    parameters = shown_parameters(experiment, training.fold)
    parameters["train"]["precision"] = choose_precision(experiment.train.precision)
    return RunRecord(
        name=experiment.name,
        seed=training.seed,
        experiment=digest_of(experiment),
        weights=weights,
        simulated=has_oracle(BATTLES),
        packing=train.packing,
        tokens=training.tokens_folder.name,
        prior=label_prior(train.labels, train.has_ties, train.weights),
        training=TrainingMetrics(**figures),
        parameters=parameters,
        data=training.data,
        versions={**library_versions(experiment.train.backend), PROCESSOR: processor_name()},
    )


def open_live(name: str, resume: bool = False) -> Live:
    """Open dvclive for an experiment, empty or after what another process has logged."""
    return Live(f"metrics/train/{name}", dvcyaml=False, save_dvc_exp=False, resume=resume)


def command(name: str, seed: int, *options: str) -> list[str]:
    """Return the command that trains on one seed in a process of its own."""
    return [sys.executable, "-m", "stages.train", name, f"--seed={seed}", *options]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one experiment of params.yaml.")
    parser.add_argument("experiment")
    parser.add_argument("--seed", type=int, help="train on this seed alone")
    parser.add_argument("--into", type=Path, help="the folder that gets seed-<seed>/")
    parser.add_argument("--process", action="store_true", help="train as one of several processes")
    arguments = parser.parse_args()
    name, seed = arguments.experiment, arguments.seed
    with exit_on_bad_input():
        if arguments.process:
            train_together(read_experiment(name), seed)
        elif seed is None:
            main(name)
        else:
            with running_alone(f"train_{name}-seed-{seed}"):
                train_alone(read_experiment(name), seed, arguments.into)
