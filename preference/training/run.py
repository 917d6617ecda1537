"""One training run of an experiment: what it learns from, its model, and its course.

Reads data/tokens/ and the splits train and valid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
from dvclive import Live

from preference.battles.splits import read_split_battles, split_file
from preference.battles.table import BATTLES
from preference.config.experiment import Experiment
from preference.models.preference_model import build_model
from preference.models.pretrained.backbones import load_backbone
from preference.runtime.errors import BadInput
from preference.sequences.packing import Packing
from preference.sequences.token_store import TOKENS, Tokens, find_tokens, open_tokens
from preference.training.callbacks import LiveMetrics, ProgressBar
from preference.training.checkpoint_file import Checkpoint, checkpoint_file
from preference.training.checkpointing import Checkpoints, find_checkpoint
from preference.training.dataset import Epochs, Examples
from preference.training.distributed.shard import Shard
from preference.training.fingerprint import identify_training
from preference.training.fit import train_model

SPLITS_READ = ("train", "valid")


@dataclass(frozen=True)
class TrainingRun:
    """An experiment with one seed: the battles of train, and the model with its first weights."""

    experiment: Experiment
    seed: int
    tokens_folder: Path
    train: Examples
    model: keras.Model

    @property
    def checkpoint(self) -> Path:
        """Where its checkpoint is."""
        return checkpoint_file(self.experiment.name, self.seed)


def prepare_training(experiment: Experiment, seed: int) -> TrainingRun:
    """Read train, and build the model with its first weights."""
    model_params = experiment.model
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(experiment.train.precision)
    tokens_folder = find_tokens(TOKENS, model_params.preset)
    tokens = open_tokens(tokens_folder)
    packing = Packing(seq_len=model_params.seq_len, turns=experiment.text.turns)
    examples = read_examples(tokens, packing, "train")
    backbone = load_backbone(model_params.preset, tokens.special.vocabulary_size)
    model = build_model(backbone, model_params)
    return TrainingRun(experiment, seed, tokens_folder, examples, model)


def fit_training(
    training: TrainingRun,
    live: Live | None,
    checkpoint_minutes: float,
    shard: Shard | None = None,
    find: Callable[[Path, Mapping[str, str]], Checkpoint | None] = find_checkpoint,
) -> dict[str, float]:
    """Train, from the beginning or from a checkpoint, and return what `train_model` does.

    Args:
        training: its model is trained in place.
        live: where metrics are logged, if anywhere.
        checkpoint_minutes: between two checkpoints within an epoch.
        shard: what this process reads of every batch, where it is one of several or on JAX.
        find: as `find_checkpoint`.
    """
    experiment, examples = training.experiment, training.train
    params = experiment.train
    valid = read_examples(examples.tokens, examples.packing, "valid")
    data = [BATTLES, *map(split_file, SPLITS_READ), TOKENS]
    identity = identify_training(experiment, training.seed, data, training.model)
    checkpoint = find(training.checkpoint, identity)
    epochs = Epochs(
        examples,
        params.tokens_per_batch,
        training.seed,
        begin_epoch=checkpoint.epoch if checkpoint else 0,
        begin_step=checkpoint.step if checkpoint else 0,
        shard=shard,
    )
    is_first = not shard or shard.rank == 0
    logged = LiveMetrics(live, epochs) if live else None
    progress = ProgressBar(experiment.name, epochs, params.epochs) if is_first else None
    checkpoints = Checkpoints(
        training.checkpoint,
        identity,
        checkpoint_minutes,
        epochs,
        logged,
        checkpoint,
        writes=is_first,
    )
    callbacks = [*filter(None, [progress, logged])]
    trained = train_model(training.model, epochs, valid, params, callbacks, checkpoints)
    if shard and is_first and not checkpoints.is_saved:
        raise BadInput("the trained model could not be saved: free some disk space.")
    return trained


def read_examples(tokens: Tokens, packing: Packing, split: str) -> Examples:
    """Find the tokens and labels of a split's battles."""
    battles = read_split_battles(BATTLES, split_file(split), ("label",))
    rows = tokens.rows_of(battles["id"].to_numpy())
    return Examples(tokens, packing, rows, battles["label"].to_numpy())
