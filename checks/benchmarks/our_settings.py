"""The defaults of `preference` for the benchmarks, which no other module of them reads.

Battles are read from the folder that `checks.benchmarks.workload` wrote.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from checks.benchmarks.measurement import Measurement
from checks.benchmarks.sequences import Batch
from checks.benchmarks.sizes import LEARNING_RATE, SEED, SIZES
from preference.config.model_params import ModelParams, TrainParams
from preference.config.params import load_params
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.side_encoder import TOKENS_PER_BATCH
from preference.sequences.length_bucketing import sorted_batches
from preference.sequences.packing import SIDES, Packing
from preference.sequences.token_store import open_tokens
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.distributed.shard import Shard

# The first epoch compiles every shape, and the second is timed.
EPOCHS = 2


def open_battles(folder: Path, seq_len: int) -> LabelledBattles:
    """Open the battles of a workload; the tokens are memory-mapped."""
    return LabelledBattles(
        tokens=open_tokens(folder / "tokens"),
        packing=Packing(seq_len=seq_len, turns="all"),
        rows=np.load(folder / "rows.npy"),
        labels=np.load(folder / "labels.npy"),
    )


def our_backbone(measurement: Measurement) -> DebertaV3Backbone:
    """Build a backbone of the measurement's size and layers, with random weights."""
    architecture = SIZES[measurement.size] | {"num_layers": measurement.layers}
    return DebertaV3Backbone(**architecture, name="backbone")


def model_params(seq_len: int) -> ModelParams:
    """Return the shared model parameters of params.yaml with this length."""
    return replace(load_params().model, seq_len=seq_len)


def train_params(measurement: Measurement) -> TrainParams:
    """Return the shared training parameters of params.yaml for two epochs of the same step size."""
    return replace(
        load_params().train,
        learning_rate=LEARNING_RATE,
        tokens_per_batch=tokens_per_batch(measurement),
        epochs=EPOCHS,
        patience=EPOCHS,
    )


def tokens_per_batch(measurement: Measurement) -> int:
    """Return the tokens of a batch of the measurement whose sequences all have the full length."""
    return measurement.batch * len(SIDES) * measurement.seq_len


def batch_name(tokens: int) -> str:
    """Describe the size of our batches."""
    return f"{tokens:,} tokens"


def our_epochs(measurement: Measurement, battles: LabelledBattles) -> BatchSampler:
    """Return the batches of a training; on JAX all of a width have one shape, as in `stages`."""
    shard = Shard() if measurement.backend == "jax" else None
    return BatchSampler(battles, tokens_per_batch(measurement), SEED, shard=shard)


def our_batches(measurement: Measurement, battles: LabelledBattles) -> list[Batch]:
    """Return the batches of the epoch that is timed."""
    return [battles.batch(batch) for batch in our_epochs(measurement, battles).batches(EPOCHS - 1)]


def our_prediction_batches(battles: LabelledBattles) -> Iterator[Batch]:
    """Yield batches of both sides with as many tokens as those of `Predictor`."""
    budget = TOKENS_PER_BATCH // len(SIDES)
    for batch in sorted_batches(battles.lengths, battles.widths, budget):
        yield battles.batch(batch)
