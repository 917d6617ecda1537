"""Battles with their labels, and the streams of batches that a training reads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import numpy as np
import tensorflow as tf

from preference.batches import (
    Inputs,
    make_inputs,
    one_hot,
    packed_lengths,
    padded_widths,
    shuffled_batches,
    sorted_batches,
)
from preference.packing import Packing
from preference.tokens import Tokens

PREFETCHED_BATCHES = 4


@dataclass(frozen=True)
class Examples:
    """Battles to learn from or to choose by.

    `rows` of `tokens`, packed in the way of `packing`, and `labels`: int [battles] each.
    """

    tokens: Tokens
    packing: Packing
    rows: np.ndarray
    labels: np.ndarray

    def batch(self, positions: np.ndarray) -> tuple[Inputs, np.ndarray]:
        """Return the model's inputs and the one-hot labels of some of the battles."""
        inputs = make_inputs(self.tokens, self.rows[positions], self.packing)
        return inputs, one_hot(self.labels[positions])

    @cached_property
    def lengths(self) -> np.ndarray:
        """The longer side of each battle, packed: int64 [battles]."""
        return packed_lengths(self.tokens, self.rows, self.packing)

    @cached_property
    def widths(self) -> np.ndarray:
        """To which width each battle is padded: int64 [battles]."""
        return padded_widths(self.lengths, self.packing.seq_len)


@dataclass(frozen=True)
class Epochs:
    """The batches of epoch after epoch. Epoch e depends on (seed, e) alone."""

    examples: Examples
    tokens_per_batch: int
    seed: int

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return the positions of each batch; all epochs have the same number of batches."""
        random = np.random.default_rng((self.seed, epoch))
        return shuffled_batches(self.examples.widths, self.tokens_per_batch, random)

    @cached_property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.batches(0))

    def battles_done(self, epoch: int) -> np.ndarray:
        """Return how many battles the epoch has visited after each of its steps: int64 [steps]."""
        return np.cumsum([len(batch) for batch in self.batches(epoch)])

    def stream(self) -> tf.data.Dataset:
        """Return inputs, labels and weights without end.

        Batches have unequal sizes, and the loss is the mean of a batch. The weights make up for
        it: every battle counts the same in an epoch.
        """
        weight = self.steps / len(self.examples.rows)

        def generate() -> Iterator[tuple]:
            for epoch in count():
                for batch in self.batches(epoch):
                    weights = np.full(len(batch), weight * len(batch), dtype=np.float32)
                    yield *self.examples.batch(batch), weights

        return _stream(generate, tf.data.INFINITE_CARDINALITY, tf.TensorSpec((None,), tf.float32))


def validation_stream(examples: Examples, tokens_per_batch: int) -> tf.data.Dataset:
    """Return inputs and labels of every battle once, longest first."""
    batches = sorted_batches(examples.lengths, examples.widths, tokens_per_batch)
    return _stream(lambda: map(examples.batch, batches), len(batches))


def _stream(
    generate: Callable[[], Iterator[tuple]], number: int, *more: tf.TensorSpec
) -> tf.data.Dataset:
    """Make the next batches while the model works on this one."""
    sides = tf.TensorSpec((None, 2, None), tf.int32)
    inputs = {"token_ids": sides, "padding_mask": sides}
    signature = (inputs, tf.TensorSpec((None, 3), tf.float32), *more)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    cardinality = tf.data.experimental.assert_cardinality(number)
    return dataset.apply(cardinality).prefetch(PREFETCHED_BATCHES)
