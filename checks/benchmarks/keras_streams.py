"""Batches as a `tf.data` stream, and a callback that times a Keras training."""

import time

import keras
import tensorflow as tf

from checks.benchmarks.process_meter import seconds_since_start
from checks.benchmarks.sequences import LABELS, Batch

PREFETCHED_BATCHES = 4


class StepClock(keras.callbacks.Callback):
    """Times `startup_s`, until the first step of the process ends, and the last `epoch_seconds`."""

    def __init__(self) -> None:
        super().__init__()
        self.startup_s = 0.0
        self.epoch_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start to time the epoch."""
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Update both times. Keras has waited for the step, because it passes its losses here."""
        self.startup_s = self.startup_s or seconds_since_start()
        self.epoch_seconds = time.perf_counter() - self.began


def make_stream(batches: list[Batch]) -> tf.data.Dataset:
    """Return one pass over the batches, which are prepared while the model computes."""
    sides = tf.TensorSpec((None, 2, None), tf.int32)
    signature = (
        {"token_ids": sides, "padding_mask": sides},
        tf.TensorSpec((None, LABELS), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature)
    cardinality = tf.data.experimental.assert_cardinality(len(batches))
    return dataset.apply(cardinality).prefetch(PREFETCHED_BATCHES)
