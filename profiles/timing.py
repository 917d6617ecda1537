"""Time a few steps of an experiment: random weights, random tokens, lengths as of real battles.

    python -m profiles.timing PARAMS EXPERIMENT

In a process of its own, so that the run itself finds the accelerator's memory free.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from preference.battles.table import LABELS, SEGMENTS
from preference.config.params import Params, load_params
from preference.models.preference_model import build_model
from preference.prediction.predictor import Predictor
from preference.runtime.errors import exit_on_bad_input
from preference.sequences.length_bucketing import padded_widths
from preference.sequences.packing import SIDES, SPECIAL_TOKENS, Packing
from preference.sequences.token_store import Segment, SpecialTokens, Tokens
from preference.sequences.token_writer import offsets_of
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.fit import train_model
from profiles.architecture import build_untrained
from profiles.cost import CPU, Timing

# Of the longer side of 1,000 real battles in tokens of DeBERTa v3, at 1/6, 1/2 and 5/6. Padded to
# the widths of our batches, they cost what all of them do within 7 %.
LENGTHS = (116, 335, 669)
PROMPT_TOKENS = 20
FIRST_ORDINARY_TOKEN = 5
# The first visits every shape, the second is timed.
EPOCHS = 2


def main(params: Path, experiment: str) -> None:
    """Print the timing as JSON."""
    timing = time_experiment(load_params(params).experiment(experiment))
    print(json.dumps(asdict(timing), allow_nan=False))


def time_experiment(params: Params) -> Timing:
    """Train and predict one full batch of each length.

    Args:
        params: of the experiment; its overrides are applied.
    """
    keras.utils.set_random_seed(params.seed)
    keras.config.set_dtype_policy(params.train.precision)
    backbone = build_untrained(params.model.preset)
    groups = full_batches(params)
    battles = random_battles(groups, params, backbone.vocabulary_size)
    model = build_model(backbone, params.model)
    clock = BatchClock()
    # Validation is no part of the time, but `train_model` needs some.
    valid = replace(battles, rows=battles.rows[:1], labels=battles.labels[:1])
    epochs = BatchSampler(battles, params.train.tokens_per_batch, params.seed)
    train = replace(params.train, epochs=EPOCHS, patience=EPOCHS)
    train_model(model, epochs, valid, train, callbacks=[clock])
    batches = zip(epochs.batches(EPOCHS - 1), clock.seconds, strict=True)
    return Timing(
        device=device_name(),
        train_seconds=_mean_battle([(spent, groups[batch]) for batch, spent in batches], groups),
        predict_seconds=_prediction_seconds(model, battles, groups),
    )


def device_name() -> str:
    """Return `CPU`, or what TensorFlow calls the first GPU."""
    for device in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(device).get("device_name", "GPU")
    return CPU


def full_batches(params: Params) -> np.ndarray:
    """Return which of `LENGTHS` each battle has: as many of each as a full batch holds."""
    budget = params.train.tokens_per_batch // len(SIDES)
    seq_len = params.model.seq_len
    widths = padded_widths(np.minimum(LENGTHS, seq_len), seq_len)
    return np.repeat(np.arange(len(LENGTHS)), np.maximum(budget // widths, 1))


def random_battles(groups: np.ndarray, params: Params, vocabulary_size: int) -> LabelledBattles:
    """Return a battle of the length `LENGTHS[group]` for each of the groups."""
    responses = np.array(LENGTHS)[groups] - SPECIAL_TOKENS - PROMPT_TOKENS
    prompts = np.full(len(groups), PROMPT_TOKENS)
    random = np.random.default_rng(params.seed)
    segments = {
        name: _random_segment(lengths, vocabulary_size, random)
        for name, lengths in zip(SEGMENTS, (prompts, responses, responses), strict=True)
    }
    ids, turns = np.arange(len(groups)), np.ones(len(groups), dtype=np.int64)
    special = SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=vocabulary_size)
    tokens = Tokens(ids, offsets_of(turns), segments, special)
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    return LabelledBattles(tokens, packing, ids, ids % len(LABELS))


def _random_segment(
    lengths: np.ndarray, vocabulary_size: int, random: np.random.Generator
) -> Segment:
    ids = random.integers(FIRST_ORDINARY_TOKEN, vocabulary_size, lengths.sum(), dtype=np.int32)
    return Segment(offsets_of(lengths), ids)


class BatchClock(keras.callbacks.Callback):
    """`seconds` of each step of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Forget the epoch before."""
        self.seconds = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Read the clock; Keras has waited for the step, for it hands out its losses."""
        self.seconds.append(time.perf_counter() - self.began)


def _prediction_seconds(model: keras.Model, battles: LabelledBattles, groups: np.ndarray) -> float:
    predictor = Predictor(model, battles.packing)
    spent = []
    for group in np.unique(groups):
        ids = battles.rows[groups == group]
        # The first visits the shape.
        for _ in range(2):
            began = time.perf_counter()
            predictor.predict(battles.tokens, ids, lambda answers: None)
            seconds = time.perf_counter() - began
        spent.append((seconds, groups[ids]))
    return _mean_battle(spent, groups)


def _mean_battle(spent: Sequence[tuple[float, np.ndarray]], groups: np.ndarray) -> float:
    """Return the seconds of a battle where all lengths are equally frequent.

    Args:
        spent: seconds of each batch, and the groups of the battles in it.
        groups: of all battles.
    """
    share = 1 / (len(LENGTHS) * np.bincount(groups))
    return sum(seconds * share[members].mean() for seconds, members in spent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time a few steps of an experiment.")
    parser.add_argument("params", type=Path, help="a file like params.yaml")
    parser.add_argument("experiment")
    arguments = parser.parse_args()
    with exit_on_bad_input():
        main(arguments.params, arguments.experiment)
