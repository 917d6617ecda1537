"""Our model and the stock one, compiled as with `train.backend: jax`."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

import keras
import keras_nlp
import numpy as np

from checks.benchmarks.gpu.rates import random_batches
from checks.benchmarks.gpu.task import Line, Task
from checks.benchmarks.sizes import LEARNING_RATE, SEED, SIZES
from preference.battles.table import one_hot
from preference.config.params import load_params
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.preference_model import build_model
from preference.training.training_step import compile_step

PRECISION = "mixed_bfloat16"
# The steps of the learning rate schedule, which do not change the cost of a step.
SCHEDULED_STEPS = 10_000
BACKBONES = {"ours": DebertaV3Backbone, "stock": keras_nlp.models.DebertaV3Backbone}

WeightedBatch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


class StepTimes(keras.callbacks.Callback):
    """Times each training step, as it takes in a training of a user.

    Keras waits for each step, because it passes the losses to callbacks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start to time the first step."""
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Add the time of a step."""
        now = time.perf_counter()
        self.seconds.append(now - self._began)
        self._began = now


def compiled_model(line: Line, precision: str = PRECISION) -> keras.Model:
    """Build the model of a line with random weights, and compile its training step."""
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(SEED)
    params = load_params()
    backbone = BACKBONES[line.system](**SIZES[line.size], name="backbone")
    model = build_model(backbone, replace(params.model, seq_len=line.seq_len))
    train = replace(params.train, backend="jax", learning_rate=LEARNING_RATE, precision=precision)
    compile_step(model, train, SCHEDULED_STEPS, weighted=True)
    return model


def weighted_batches(task: Task) -> list[WeightedBatch]:
    """Return batches for a training on JAX: inputs, one-hot labels and weights."""
    counts = np.full(task.battles, 1 / task.battles, dtype=np.float32)
    return [
        (inputs, one_hot(labels, np.float32), counts) for inputs, labels in random_batches(task)
    ]


def endless(batches: list[WeightedBatch]) -> Iterator[WeightedBatch]:
    """Repeat the batches without end."""
    yield from cycle(batches)
