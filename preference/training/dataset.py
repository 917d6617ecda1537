"""Labelled battles, and the streams of batches that a training run reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice

import numpy as np
import tensorflow as tf

from preference.battles.soft_labels import to_shares
from preference.battles.table import LABELS, TIE
from preference.models.preference_model import FEATURES
from preference.sequences.feature_normalization import SideFeatures
from preference.sequences.length_bucketing import padded_widths, shuffled_batches, sorted_batches
from preference.sequences.packing import SIDES, Inputs, Packing, pack, packed_lengths
from preference.sequences.tf_data import input_signature, stream_batches
from preference.sequences.token_store import Tokens
from preference.training.distributed.shard import Shard

# Stands for the share of a label where a battle cannot have the label.
IMPOSSIBLE = -1.0


@dataclass(frozen=True)
class LabelledBattles:
    """The battles of one split with their labels, packed when they are read.

    Args:
        tokens: of these battles, and maybe of others.
        packing: how a battle becomes two sequences.
        rows: int64 [battles] into `tokens`.
        labels: int [battles], or the shares of the labels, float64 [battles, 3].
        has_ties: whether the source of each battle has ties, bool [battles]; None if all have.
        features: of these battles, for a model that reads features.
        weights: what each battle counts for in the loss and the metrics, float64 [battles]; None if
            all count for the same.
    """

    tokens: Tokens
    packing: Packing
    rows: np.ndarray
    labels: np.ndarray
    has_ties: np.ndarray | None = None
    features: SideFeatures | None = None
    weights: np.ndarray | None = None

    @property
    def ids(self) -> np.ndarray:
        """The ids of the battles, int64 [battles]."""
        return self.tokens.battle_ids[self.rows]

    @property
    def lacks_ties(self) -> bool:
        """Whether the source of some battle has no ties."""
        return self.has_ties is not None and not self.has_ties.all()

    def batch(self, positions: np.ndarray) -> tuple[Inputs, np.ndarray]:
        """Return inputs and labels of some battles, padded to the widest of them.

        Args:
            positions: int [batch], into `rows`.

        Returns: `token_ids` and `padding_mask`, int32 [batch, 2, width], and `features`, float32
            [batch, 2, features], if there are any; and the shares of the labels, float32 [batch,
            3], in which a tie that cannot be is `IMPOSSIBLE`.
        """
        inputs = self.read_sides(positions)
        if self.features:
            inputs[FEATURES] = self.features.read(positions)
        labels = to_shares(self.labels[positions], np.float32)
        if self.has_ties is not None:
            labels[~self.has_ties[positions], TIE] = IMPOSSIBLE
        return inputs, labels

    def read_sides(self, positions: np.ndarray) -> Inputs:
        """Return what the model reads of both sides, padded to the widest of some battles."""
        width = int(self.widths[positions].max())
        return pack(self.tokens, self.rows[positions], self.packing, width)

    def sides_signature(self) -> dict[str, tf.TensorSpec]:
        """Return the tensor specifications of what `read_sides` returns."""
        return input_signature(None, len(SIDES), None)

    def weigh(self, positions: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return counts of some battles, float32 [batch], times their weights."""
        return counts if self.weights is None else counts * self.weights[positions].astype("f4")

    def signature(self, weighted: bool) -> tuple:
        """Return the tensor specifications of a batch, with the weights of its battles or not."""
        inputs = self.sides_signature()
        if self.features:
            width = len(self.features.normalization.features)
            inputs[FEATURES] = tf.TensorSpec((None, len(SIDES), width), tf.float32)
        labels, weights = tf.TensorSpec((None, len(LABELS))), tf.TensorSpec((None,))
        return (inputs, labels, weights) if weighted else (inputs, labels)

    @cached_property
    def side_lengths(self) -> np.ndarray:
        """Packed length of both sides of each battle: int64 [battles, 2]."""
        return packed_lengths(self.tokens, self.rows, self.packing)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Packed length of the longer side of each battle: int64 [battles]."""
        return self.side_lengths.max(axis=1)

    @cached_property
    def widths(self) -> np.ndarray:
        """Width to which both sides of each battle are padded: int64 [battles]."""
        return padded_widths(self.lengths, self.packing.seq_len)

    def padding_share(self) -> float:
        """Return the fraction of padding among all positions that the model reads."""
        return float(1 - self.side_lengths.sum() / (len(SIDES) * self.widths.sum()))


@dataclass(frozen=True)
class BatchSampler:
    """Draws the batches of every epoch. Those of epoch e depend on (seed, e) alone.

    Args:
        battles: each is in exactly one batch of an epoch.
        tokens_per_batch: at most, with both sides and their padding.
        seed: of the order.
        begin_epoch, begin_step: the first batch of the stream, both counted from 0.
        shard: the rows of each batch that this process reads; None for all of them.
    """

    battles: LabelledBattles
    tokens_per_batch: int
    seed: int
    begin_epoch: int = 0
    begin_step: int = 0
    shard: Shard | None = None

    def first_step(self, epoch: int) -> int:
        """Return the first step of an epoch in the stream, counted from 0."""
        return self.begin_step if epoch == self.begin_epoch else 0

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return the positions of each batch; all epochs have the same number of batches."""
        random = np.random.default_rng((self.seed, epoch))
        return shuffled_batches(self.battles.widths, self.tokens_per_batch // len(SIDES), random)

    @cached_property
    def steps(self) -> int:
        """Batches per epoch."""
        return len(self.batches(0))

    @property
    def is_weighted(self) -> bool:
        """Whether rows have weights and the loss is their sum."""
        return self.shard is not None or self.battles.weights is not None

    def weights_done(self, epoch: int) -> np.ndarray:
        """Return the sum of the weights that the epoch has visited after each step: [steps]."""
        weights = self.battles.weights
        if weights is None:
            return self.battles_done(epoch)
        return np.cumsum([weights[batch].sum() for batch in self.batches(epoch)])

    def battles_done(self, epoch: int) -> np.ndarray:
        """Return how many battles the epoch has visited after each of its steps: int64 [steps]."""
        return np.cumsum([len(batch) for batch in self.batches(epoch)])

    def stream(self) -> tf.data.Dataset:
        """Return an endless stream of inputs, shares of labels and weights.

        Batches have unequal sizes, and the loss is the mean over a batch (the sum, where the stream
        `is_weighted`). The weights correct for this: every battle counts for its own weight, and
        without weights the same, in an epoch.
        """

        def generate() -> Iterator[tuple]:
            for epoch in count(self.begin_epoch):
                for batch, weights in islice(self._weighted(epoch), self.first_step(epoch), None):
                    yield *self.battles.batch(batch), weights

        signature = self.battles.signature(weighted=True)
        return stream_batches(generate, signature, tf.data.INFINITE_CARDINALITY)

    def _weighted(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batches, weight = self.batches(epoch), self.steps / len(self.battles.rows)
        if self.shard:
            for batch, counts in self.shard.split_batches(batches, self.battles.widths):
                yield batch, self.battles.weigh(batch, np.float32(weight) * counts)
        elif self.is_weighted:
            for batch in batches:
                counts = np.full(len(batch), weight, dtype=np.float32)
                yield batch, self.battles.weigh(batch, counts)
        else:
            for batch in batches:
                yield batch, np.full(len(batch), weight * len(batch), dtype=np.float32)


def validation_stream(
    battles: LabelledBattles, tokens_per_batch: int, shard: Shard | None = None
) -> tf.data.Dataset:
    """Return a stream of every battle once, longest first.

    Its batches are inputs and shares of labels; with a shard, or where the battles have weights,
    weights too.
    """
    budget = tokens_per_batch // len(SIDES)
    batches = sorted_batches(battles.lengths, battles.widths, budget)
    signature = battles.signature(weighted=shard is not None or battles.weights is not None)
    if not shard and battles.weights is None:
        return stream_batches(lambda: map(battles.batch, batches), signature, len(batches))

    def count_battles() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if shard:
            return shard.split_batches(batches, battles.widths)
        return ((batch, np.ones(len(batch), dtype=np.float32)) for batch in batches)

    def generate() -> Iterator[tuple]:
        for batch, counts in count_battles():
            yield *battles.batch(batch), battles.weigh(batch, counts)

    return stream_batches(generate, signature, len(batches))
