"""One training run of an experiment: prepare its data and model, then train.

Reads data/tokens/, the splits train and valid, and data/features/ where the model uses features.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import keras
from dvclive import Live

from preference.battles.soft_labels import label_columns, read_labels, read_weights
from preference.battles.splits import read_has_ties, read_split_battles, split_file
from preference.battles.table import BATTLES
from preference.config.experiment import Experiment, fold_of
from preference.models.precision import choose_precision
from preference.models.preference_model import build_model, head_of
from preference.models.pretrained.backbones import load_backbone
from preference.models.side_encoder import SideEncoder
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_files
from preference.sequences.feature_normalization import fit_features
from preference.sequences.feature_store import features_file, open_features
from preference.sequences.packing import Packing
from preference.sequences.token_store import TOKENS, Tokens, find_tokens, open_tokens
from preference.training.adapters import add_adapters
from preference.training.callbacks import LiveMetrics, ProgressBar
from preference.training.checkpoint_file import Checkpoint
from preference.training.checkpoint_paths import checkpoint_path
from preference.training.checkpointing import Checkpoints, find_checkpoint
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.distributed.shard import Shard
from preference.training.fingerprint import identify_training
from preference.training.fit import FitResult, train_model
from preference.training.frozen_backbone import encode_once, has_fixed_vectors
from preference.training.frozen_layers import freeze_layers
from preference.training.initial_weights import load_start

SPLITS_READ = ("train", "valid")


@dataclass(frozen=True)
class TrainingRun:
    """An experiment with one seed, the battles of train, and the model with its initial weights.

    Both splits that it reads are those of the run's fold, where there are folds. `data` has the
    sha256 of the files it reads, the bundle that it starts from among them; `start` says what is
    taken from the bundle.
    """

    experiment: Experiment
    seed: int
    tokens_folder: Path
    train: LabelledBattles
    model: keras.Model
    data: Mapping[str, str]
    start: str | None = None

    @property
    def checkpoint(self) -> Path:
        """Path of its checkpoint."""
        return checkpoint_path(self.experiment.name, self.seed)

    @property
    def fold(self) -> int | None:
        """Number of its fold."""
        return fold_of(self.experiment, self.seed)


def prepare_run(experiment: Experiment, seed: int) -> TrainingRun:
    """Read the battles of train, and build the model with its initial weights.

    Sets Keras's random seed and precision policy.

    Raises:
        BadInput: an input is missing, or the preset or the network to start from cannot be used.
    """
    model_params, fold = experiment.model, fold_of(experiment, seed)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(choose_precision(experiment.train.precision))
    tokens_folder = find_tokens(TOKENS, experiment.tokenizer, fold)
    tokens = open_tokens(tokens_folder)
    packing = Packing(seq_len=model_params.seq_len, turns=experiment.text.turns)
    train = read_labelled_battles(tokens, packing, "train", fold)
    data = hash_files([BATTLES, *map(split_file, SPLITS_READ)])
    if model_params.features:
        table = open_features(experiment.name)
        features = fit_features(table, train.ids, with_pair=model_params.head != "davidson")
        train = replace(train, features=features)
    start = load_start(experiment, fold, data)
    if start:
        backbone, data[start.source.file] = start.backbone, start.source.sha256
    else:
        vocabulary_size = tokens.special.vocabulary_size
        backbone = load_backbone(model_params.preset, vocabulary_size, model_params.dropout)
    freeze_layers(backbone, experiment.train.freeze)
    width = len(train.features.normalization.features) if train.features else 0
    model = build_model(backbone, model_params, width)
    parts = start.give_head(model) if start else None
    add_adapters(model, experiment.train.lora_rank)
    return TrainingRun(experiment, seed, tokens_folder, train, model, data, parts)


def fit_run(
    run: TrainingRun,
    live: Live | None,
    checkpoint_minutes: float,
    shard: Shard | None = None,
    find: Callable[[Path, Mapping[str, str]], Checkpoint | None] = find_checkpoint,
) -> FitResult:
    """Train from the beginning or from a checkpoint, and return what `train_model` returns.

    Args:
        run: its model is trained in place.
        live: where metrics are logged, if anywhere.
        checkpoint_minutes: between two checkpoints within an epoch.
        shard: the rows of every batch that this process reads; None for TensorFlow.
        find: `find_checkpoint`, or a function that does the same for several processes.

    Raises:
        BadInput: the training diverged, or a run on JAX could not be saved.
    """
    experiment, battles = run.experiment, run.train
    params = experiment.train
    data = [BATTLES, *map(split_file, SPLITS_READ), TOKENS]
    if battles.features:
        data.append(features_file(experiment.name))
    identity = identify_training(experiment, run.seed, data, run.model)
    checkpoint = find(run.checkpoint, identity)
    model, battles, valid = trained_part(run, on_one_device=not shard)
    sampler = BatchSampler(
        battles,
        params.tokens_per_batch,
        run.seed,
        begin_epoch=checkpoint.epoch if checkpoint else 0,
        begin_step=checkpoint.step if checkpoint else 0,
        shard=shard,
    )
    is_first = not shard or shard.rank == 0
    if run.start and is_first:
        print(f"{experiment.name} {run.start}", file=sys.stderr)
    logged = LiveMetrics(live, sampler) if live else None
    name = f"{experiment.name}, seed {run.seed}" if experiment.seeds[1:] else experiment.name
    progress = ProgressBar(name, sampler, params.epochs) if is_first else None
    checkpoints = Checkpoints(
        run.checkpoint,
        identity,
        checkpoint_minutes,
        sampler,
        logged,
        checkpoint,
        writes=is_first,
    )
    callbacks = [*filter(None, [progress, logged])]
    trained = train_model(model, sampler, valid, params, callbacks, checkpoints)
    if shard and is_first and not checkpoints.is_saved:
        raise BadInput("the trained model could not be saved: free some disk space.")
    return trained


def trained_part(
    run: TrainingRun, on_one_device: bool = True
) -> tuple[keras.Model, LabelledBattles, LabelledBattles]:
    """Return the model that learns, and the battles of train and valid as it reads them.

    It is the head alone, with the vectors of a backbone that is frozen, if that changes nothing.

    Raises:
        BadInput: as `read_valid` does.
    """
    model, train, valid = run.model, run.train, read_valid(run)
    if not on_one_device or not has_fixed_vectors(model, run.experiment.model.dropout):
        return model, train, valid
    encoder, task = SideEncoder(model, train.packing), f"{run.experiment.name}, frozen layers"
    return head_of(model), encode_once(encoder, train, task), encode_once(encoder, valid, task)


def read_valid(run: TrainingRun) -> LabelledBattles:
    """Read the battles of valid in the run's fold, with features as those of train are normalised.

    Raises:
        BadInput: the split is missing, or one of its battles has no tokens or features.
    """
    valid = read_labelled_battles(run.train.tokens, run.train.packing, "valid", run.fold)
    features = run.train.features
    return replace(valid, features=features.of(valid.ids)) if features else valid


def read_labelled_battles(
    tokens: Tokens, packing: Packing, split: str, fold: int | None
) -> LabelledBattles:
    """Read the labels of a split's battles, in one fold or in all, and find their tokens.

    Weights are divided by their mean, so that they do not change the learning rate.

    Raises:
        BadInput: the split is missing, or one of its battles has no tokens.
    """
    battles = read_split_battles(BATTLES, split_file(split), label_columns(BATTLES), fold)
    rows, weights = tokens.rows_of(battles["id"].to_numpy()), read_weights(battles)
    return LabelledBattles(
        tokens,
        packing,
        rows,
        labels=read_labels(battles),
        has_ties=read_has_ties(battles),
        weights=None if weights is None else weights / weights.mean(),
    )
