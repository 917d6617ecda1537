"""Battles with their labels, and the streams of batches that a training reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice

import numpy as np
import tensorflow as tf

from preference.battles.table import LABELS
from preference.sequences.length_bucketing import padded_widths, shuffled_batches, sorted_batches
from preference.sequences.packing import SIDES, Inputs, Packing, pack, packed_lengths
from preference.sequences.tf_data import input_signature, stream_batches
from preference.sequences.token_store import Tokens
from preference.training.distributed.shard import Shard

SIGNATURE = (input_signature(None, len(SIDES), None), tf.TensorSpec((None, len(LABELS))))
WEIGHTED_SIGNATURE = (*SIGNATURE, tf.TensorSpec((None,)))


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
        """Return the model's inputs and the one-hot labels of some battles of one width."""
        width = int(self.widths[positions].max())
        inputs = pack(self.tokens, self.rows[positions], self.packing, width)
        return inputs, one_hot(self.labels[positions])

    @cached_property
    def side_lengths(self) -> np.ndarray:
        """Both sides of each battle, packed: int64 [battles, 2]."""
        return packed_lengths(self.tokens, self.rows, self.packing)

    @cached_property
    def lengths(self) -> np.ndarray:
        """The longer side of each battle, packed: int64 [battles]."""
        return self.side_lengths.max(axis=1)

    @cached_property
    def widths(self) -> np.ndarray:
        """To which width both sides of each battle are padded: int64 [battles]."""
        return padded_widths(self.lengths, self.packing.seq_len)

    def padding_share(self) -> float:
        """Return which share of the positions that the model reads is padding."""
        return float(1 - self.side_lengths.sum() / (len(SIDES) * self.widths.sum()))


@dataclass(frozen=True)
class Epochs:
    """The batches of epoch after epoch. Epoch e depends on (seed, e) alone.

    `tokens_per_batch` counts both sides with their padding. The stream begins with the step
    `begin_step` of the epoch `begin_epoch`, both from 0. With a `shard`, it has the rows of one
    process alone.
    """

    examples: Examples
    tokens_per_batch: int
    seed: int
    begin_epoch: int = 0
    begin_step: int = 0
    shard: Shard | None = None

    def first_step(self, epoch: int) -> int:
        """Return the step with which an epoch begins, from 0."""
        return self.begin_step if epoch == self.begin_epoch else 0

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return the positions of each batch; all epochs have the same number of batches."""
        random = np.random.default_rng((self.seed, epoch))
        return shuffled_batches(self.examples.widths, self.tokens_per_batch // len(SIDES), random)

    @cached_property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.batches(0))

    def battles_done(self, epoch: int) -> np.ndarray:
        """Return how many battles the epoch has visited after each of its steps: int64 [steps]."""
        return np.cumsum([len(batch) for batch in self.batches(epoch)])

    def stream(self) -> tf.data.Dataset:
        """Return inputs, labels and weights without end.

        Batches have unequal sizes, and the loss is the mean of a batch, or with a shard its sum.
        The weights make up for it: every battle counts the same in an epoch.
        """

        def generate() -> Iterator[tuple]:
            for epoch in count(self.begin_epoch):
                for batch, weights in islice(self._weighted(epoch), self.first_step(epoch), None):
                    yield *self.examples.batch(batch), weights

        return stream_batches(generate, WEIGHTED_SIGNATURE, tf.data.INFINITE_CARDINALITY)

    def _weighted(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batches, weight = self.batches(epoch), self.steps / len(self.examples.rows)
        if self.shard:
            for batch, counts in self.shard.cut(batches, self.examples.widths):
                yield batch, np.float32(weight) * counts
        else:
            for batch in batches:
                yield batch, np.full(len(batch), weight * len(batch), dtype=np.float32)


def validation_stream(
    examples: Examples, tokens_per_batch: int, shard: Shard | None = None
) -> tf.data.Dataset:
    """Return inputs and labels of every battle once, longest first; with a shard, weights too."""
    budget = tokens_per_batch // len(SIDES)
    batches = sorted_batches(examples.lengths, examples.widths, budget)
    if not shard:
        return stream_batches(lambda: map(examples.batch, batches), SIGNATURE, len(batches))

    def generate() -> Iterator[tuple]:
        for batch, counts in shard.cut(batches, examples.widths):
            yield *examples.batch(batch), counts

    return stream_batches(generate, WEIGHTED_SIGNATURE, len(batches))


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return labels [n] as float32 [n, 3]."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]
