"""Time a few steps of an experiment, with random weights and tokens and realistic lengths.

    python -m profiles.timing PARAMS EXPERIMENT

It runs as a separate process, so that the accelerator's memory is free for the run itself.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from preference.battles.table import FIELDS, LABELS
from preference.config.params import Params, load_params
from preference.models.precision import choose_precision
from preference.models.preference_model import build_model
from preference.prediction.predictor import Predictor
from preference.runtime.errors import exit_on_bad_input
from preference.sequences.length_bucketing import padded_widths
from preference.sequences.packing import SIDES, SPECIAL_TOKENS, Packing
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens
from preference.sequences.token_writer import offsets_of
from preference.training.adapters import add_adapters
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.fit import train_model
from preference.training.frozen_layers import freeze_layers
from profiles.architecture import build_untrained
from profiles.cost import CPU, Timing

# Quantiles (1/6, 1/2, 5/6) of the longer side's length in 1,000 real battles, in tokens of DeBERTa
# v3. Padded to the widths of our batches, their mean cost is within 7 % of that of all battles.
LENGTHS = (116, 335, 669)
PROMPT_TOKENS = 20
FIRST_ORDINARY_TOKEN = 5
# The first epoch compiles every shape, and the second is timed.
EPOCHS = 2


def main(params: Path, experiment: str) -> None:
    """Print the timing as JSON."""
    timing = time_experiment(load_params(params).experiment(experiment))
    print(json.dumps(asdict(timing), allow_nan=False))


def time_experiment(params: Params) -> Timing:
    """Train and predict one full batch of each length.

    Args:
        params: the parameters of the experiment, with its overrides.
    """
    keras.utils.set_random_seed(params.seed)
    keras.config.set_dtype_policy(choose_precision(params.train.precision))
    backbone = build_untrained(params.model.preset)
    groups = full_batches(params)
    battles = random_battles(groups, params, backbone.vocabulary_size)
    freeze_layers(backbone, params.train.freeze)
    model = build_model(backbone, params.model)
    add_adapters(model, params.train.lora_rank)
    clock = BatchClock()
    # Validation is not timed, but `train_model` needs a battle for it.
    valid = replace(battles, rows=battles.rows[:1], labels=battles.labels[:1])
    epochs = BatchSampler(battles, params.train.tokens_per_batch, params.seed)
    train = replace(params.train, epochs=EPOCHS, patience=EPOCHS)
    train_model(model, epochs, valid, train, callbacks=[clock])
    batches = zip(epochs.batches(EPOCHS - 1), clock.seconds, strict=True)
    return Timing(
        device=device_name(),
        train_seconds=_mean_battle([(spent, groups[batch]) for batch, spent in batches], groups),
        predict_seconds=_prediction_seconds(model, battles, groups),
        peak_memory=peak_memory(),
    )


def peak_memory() -> int:
    """Return the most memory that this process has used, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def device_name() -> str:
    """Return the name of the first GPU in TensorFlow, or `CPU`."""
    for device in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(device).get("device_name", "GPU")
    return CPU


def full_batches(params: Params) -> np.ndarray:
    """Return the index in `LENGTHS` of each battle, as many of each as fill a batch."""
    budget = params.train.tokens_per_batch // len(SIDES)
    seq_len = params.model.seq_len
    widths = padded_widths(np.minimum(LENGTHS, seq_len), seq_len)
    return np.repeat(np.arange(len(LENGTHS)), np.maximum(budget // widths, 1))


def random_battles(groups: np.ndarray, params: Params, vocabulary_size: int) -> LabelledBattles:
    """Return battles with random tokens, of the length `LENGTHS[group]` for each of the groups."""
    responses = np.array(LENGTHS)[groups] - SPECIAL_TOKENS - PROMPT_TOKENS
    prompts = np.full(len(groups), PROMPT_TOKENS)
    random = np.random.default_rng(params.seed)
    fields = {
        name: _random_field(lengths, vocabulary_size, random)
        for name, lengths in zip(FIELDS, (prompts, responses, responses), strict=True)
    }
    ids, turns = np.arange(len(groups)), np.ones(len(groups), dtype=np.int64)
    special = SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=vocabulary_size)
    tokens = Tokens(ids, offsets_of(turns), fields, special)
    packing = Packing(seq_len=params.model.seq_len, turns=params.text.turns)
    return LabelledBattles(tokens, packing, ids, ids % len(LABELS))


def _random_field(
    lengths: np.ndarray, vocabulary_size: int, random: np.random.Generator
) -> FieldTokens:
    ids = random.integers(FIRST_ORDINARY_TOKEN, vocabulary_size, lengths.sum(), dtype=np.int32)
    return FieldTokens(offsets_of(lengths), ids)


class BatchClock(keras.callbacks.Callback):
    """Measures the `seconds` of each step of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Forget the previous epoch."""
        self.seconds = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Read the clock. The step has ended, because Keras passes its losses."""
        self.seconds.append(time.perf_counter() - self.began)


def _prediction_seconds(model: keras.Model, battles: LabelledBattles, groups: np.ndarray) -> float:
    predictor = Predictor(model, battles.packing)
    spent = []
    for group in np.unique(groups):
        ids = battles.rows[groups == group]
        # The first prediction compiles the shape, and the second is timed.
        for _ in range(2):
            began = time.perf_counter()
            predictor.predict(battles.tokens, ids, lambda answers: None)
            seconds = time.perf_counter() - began
        spent.append((seconds, groups[ids]))
    return _mean_battle(spent, groups)


def _mean_battle(spent: Sequence[tuple[float, np.ndarray]], groups: np.ndarray) -> float:
    """Return the mean seconds per battle if all lengths are equally frequent.

    Args:
        spent: the seconds of each batch, and the groups of the battles in it.
        groups: the groups of all battles.
    """
    weight = 1 / (len(LENGTHS) * np.bincount(groups))
    return sum(seconds * weight[members].mean() for seconds, members in spent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time a few steps of an experiment.")
    parser.add_argument("params", type=Path, help="a file like params.yaml")
    parser.add_argument("experiment")
    arguments = parser.parse_args()
    with exit_on_bad_input():
        main(arguments.params, arguments.experiment)
