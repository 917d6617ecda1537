"""All that the benchmarks take from `preference`'s defaults: the one file to adapt to them.

Battles are read from the folder that `benchmarks.workload` wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.measurement import DEFAULT_PRECISION, Measurement
from benchmarks.sequences import Batch
from benchmarks.sizes import (
    BUCKETS,
    DROPOUT,
    HEADS,
    HIDDEN_DIM,
    INTERMEDIATE_DIM,
    LEARNING_RATE,
    MAX_SEQUENCE_LENGTH,
    SEED,
    VOCABULARY_SIZE,
)
from preference.batches import make_inputs, memory_bound_batches, packed_lengths, training_batches
from preference.deberta import DebertaV3Backbone
from preference.packing import Packing
from preference.params import ModelParams, TrainParams, load_params
from preference.prediction import BATCH_SCORES, BATCH_SIZE
from preference.tokens import Tokens, open_tokens
from preference.training import steps_in_epoch

# The first visits every shape and warms up, the second is timed.
EPOCHS = 2
JIT_COMPILE = False


@dataclass(frozen=True)
class OurBattles:
    """Battles as `preference` reads them: `rows` of the tokens and `labels`, both [battles]."""

    tokens: Tokens
    rows: np.ndarray
    labels: np.ndarray
    packing: Packing


def open_battles(folder: Path, seq_len: int) -> OurBattles:
    """Map the tokens of a workload."""
    return OurBattles(
        tokens=open_tokens(folder / "tokens"),
        rows=np.load(folder / "rows.npy"),
        labels=np.load(folder / "labels.npy"),
        packing=Packing(seq_len=seq_len, turns="all"),
    )


def our_backbone(layers: int) -> DebertaV3Backbone:
    """Build extra-small with as many layers and random weights."""
    return DebertaV3Backbone(
        vocabulary_size=VOCABULARY_SIZE,
        num_layers=layers,
        num_heads=HEADS,
        hidden_dim=HIDDEN_DIM,
        intermediate_dim=INTERMEDIATE_DIM,
        dropout=DROPOUT,
        max_sequence_length=MAX_SEQUENCE_LENGTH,
        bucket_size=BUCKETS,
        name="backbone",
    )


def model_params(seq_len: int) -> ModelParams:
    """Return the shared model of params.yaml at this length."""
    return replace(load_params().model, seq_len=seq_len)


def train_params(batch: int) -> TrainParams:
    """Return the shared training of params.yaml with the study's batch, for two short epochs."""
    return replace(
        load_params().train,
        learning_rate=LEARNING_RATE,
        batch_size=batch,
        epochs=EPOCHS,
        patience=EPOCHS,
    )


def our_precision(asked: str) -> str:
    """Return the precision to compute in, where `default` leaves the choice to us."""
    return "float32" if asked == DEFAULT_PRECISION else asked


def our_batch(battles: int) -> str:
    """Say how large our training steps are, where others take so many battles."""
    return f"{battles} battles"


def our_batches(measurement: Measurement, battles: OurBattles) -> list[Batch]:
    """Return the batches of the epoch that is timed."""
    batches = training_batches(
        battles.tokens,
        battles.rows,
        battles.labels,
        battles.packing,
        measurement.batch,
        SEED,
    )
    steps = steps_in_epoch(len(battles.rows), measurement.batch)
    return list(islice(batches, steps, EPOCHS * steps))


def our_prediction_batches(battles: OurBattles) -> Iterator[Batch]:
    """Yield what `preference.prediction` gives the model, longest battles first."""
    lengths = packed_lengths(battles.tokens, battles.rows, battles.packing)
    for batch in memory_bound_batches(lengths, BATCH_SIZE, BATCH_SCORES):
        inputs = make_inputs(battles.tokens, battles.rows[batch], battles.packing)
        yield inputs, np.eye(3, dtype=np.float32)[battles.labels[batch]]
