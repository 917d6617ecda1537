"""Relative positions of DeBERTa (arXiv:2006.03654) as windows, without gathers of scores.

The score of query i and position j depends on the bucket of i - j. Other implementations gather it
with an index of shape (batch, heads, n, n), whose gradient is a scatter. Here the queries are
divided into blocks. All positions that a block needs are one window of n + block vectors. The
scores of the block against its window are a matrix product, and `skew` shifts row i of the product
i places to the left by reshaping and slicing (as in Music Transformer, arXiv:1809.04281).
"""

import math
from typing import TypeAlias

import keras
from keras import ops

from preference.models.fused.xla import on_tensorflow_cpu, xla_fused

SHORTEST_BLOCK, LONGEST_BLOCK = 32, 128
# A scalar tensor in a graph whose lengths vary.
Length: TypeAlias = int | keras.KerasTensor


def block_size(length: Length) -> Length:
    """Return how many queries share a window: a power of two that divides `length` if possible."""
    divisor = length & -length
    if isinstance(length, int):
        return min(max(divisor, SHORTEST_BLOCK), LONGEST_BLOCK)
    return ops.clip(divisor, SHORTEST_BLOCK, LONGEST_BLOCK)


def block_count(length: Length) -> Length:
    """Return how many blocks hold `length` queries; the last may be partly empty."""
    return -(-length // block_size(length))


def skew(scores: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
    """Turn scores against a window into scores against positions.

    Args:
        scores: (rows, block, length + block); each row is one block of one head.
        training: whether few shapes occur many times, so that compiling is worth its time.

    Returns: (rows, block, length); entry (i, j) is `scores[:, i, block - 1 - i + j]`.
    """
    return _compiled_skew(scores) if training and on_tensorflow_cpu() else _skew(scores)


def _skew(scores: keras.KerasTensor) -> keras.KerasTensor:
    rows, block, window = ops.shape(scores)
    scores = ops.reshape(scores, (rows, block * window))
    scores = ops.slice(scores, (0, block - 1), (rows, block * (window - 1)))
    scores = ops.reshape(scores, (rows * block, window - 1))
    scores = ops.slice(scores, (0, 0), (rows * block, window - block))
    return ops.reshape(scores, (rows, block, window - block))


_fused_skew = xla_fused(_skew)


@ops.custom_gradient
def _compiled_skew(scores: keras.KerasTensor) -> tuple:
    """Return `_skew(scores)` in one loop. Its gradient is left to TensorFlow, which is faster."""
    rows, block, window = ops.shape(scores)

    def gradient(upstream: keras.KerasTensor) -> keras.KerasTensor:
        upstream = ops.reshape(upstream, (rows * block, window - block))
        upstream = ops.pad(upstream, ((0, 0), (0, block - 1)))
        upstream = ops.reshape(upstream, (rows, block * (window - 1)))
        upstream = ops.pad(upstream, ((0, 0), (block - 1, 1)))
        return ops.reshape(upstream, (rows, block, window))

    return _fused_skew(scores), gradient


@keras.saving.register_keras_serializable(package="preference")
class RelativePositions(keras.layers.Layer):
    """Buckets of the windows: one table for all layers, rows and heads of a forward pass.

    Args:
        bucket_size: distances of up to half of it have a bucket each.
        max_sequence_length: distances of at least this many tokens share the last bucket.
    """

    def __init__(self, bucket_size: int, max_sequence_length: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.bucket_size = bucket_size
        self.max_sequence_length = max_sequence_length

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return int32 (2, blocks, length + block) for `inputs` (batch, length).

        Entry (0, b, m) is the bucket of query minus key for the queries of block b. Entry (1, b, m)
        is the same for blocks of keys and windows of queries.
        """
        length = ops.shape(inputs)[1]
        block = block_size(length)
        first = ops.arange(block_count(length), dtype="int32")[:, None] * block
        distance = first + block - 1 - ops.arange(length + block, dtype="int32")
        bucket = self._bucket(ops.stack([distance, -distance])) + self.bucket_size
        return ops.clip(bucket, 0, 2 * self.bucket_size - 1)

    def _bucket(self, distance: keras.KerasTensor) -> keras.KerasTensor:
        middle = self.bucket_size // 2
        far = ops.maximum(ops.cast(ops.abs(distance), "float32"), middle) / middle
        steps = ops.log(far) / math.log((self.max_sequence_length - 1) / middle) * (middle - 1)
        far_bucket = ops.cast(ops.ceil(steps), "int32") + middle
        return ops.where(ops.abs(distance) <= middle, distance, far_bucket * ops.sign(distance))

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return an int32 tensor of unknown window."""
        return keras.KerasTensor((2, None, None), dtype="int32")

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "bucket_size": self.bucket_size,
            "max_sequence_length": self.max_sequence_length,
        }
