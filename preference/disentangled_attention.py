"""Disentangled self-attention (DeBERTa, arXiv:2006.03654; v3, arXiv:2111.09543) without gathers.

The stock layer looks the position scores up with an index of shape (batch, heads, n, n), whose
gradient is a scatter. Here the look-up is a matrix product with a one-hot table of the relative
positions, exact because each row has a single one, and shared by all layers. It pays while the
table is small: 2 * bucket_size of the order of the size of a head.
"""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
class RelativePositions(keras.layers.Layer):
    """One-hot log-bucketed relative positions, (length, length, 2 * bucket_size).

    Args:
        bucket_size: positions nearer than half of it have a bucket each.
        max_sequence_length: distances from here on share the last bucket.
    """

    def __init__(self, bucket_size: int, max_sequence_length: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.bucket_size = bucket_size
        self.max_sequence_length = max_sequence_length

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the table for `inputs` (batch, length): entry (i, j) is for query i, key j."""
        position = ops.arange(ops.shape(inputs)[1], dtype="int32")
        bucket = self._bucket(position[:, None] - position[None, :]) + self.bucket_size
        bucket = ops.clip(bucket, 0, 2 * self.bucket_size - 1)
        return ops.one_hot(bucket, 2 * self.bucket_size, dtype=self.compute_dtype)

    def _bucket(self, distance: keras.KerasTensor) -> keras.KerasTensor:
        middle = self.bucket_size // 2
        far = ops.maximum(ops.cast(ops.abs(distance), "float32"), middle) / middle
        steps = ops.log(far) / math.log((self.max_sequence_length - 1) / middle) * (middle - 1)
        far_bucket = ops.cast(ops.ceil(steps), "int32") + middle
        return ops.where(ops.abs(distance) <= middle, distance, far_bucket * ops.sign(distance))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (length, length, 2 * bucket_size)."""
        return (input_shape[1], input_shape[1], 2 * self.bucket_size)

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "bucket_size": self.bucket_size,
            "max_sequence_length": self.max_sequence_length,
        }


@keras.saving.register_keras_serializable(package="preference")
class DisentangledSelfAttention(keras.layers.Layer):
    """Self-attention with content-to-position and position-to-content scores.

    The position vectors have the projections of the content (share_att_key), as in DeBERTa v3.

    Args:
        num_heads: attention heads; divides the hidden size.
        dropout: rate, of the attention probabilities and of the position vectors.
        kernel_initializer: of the four projections.
    """

    def __init__(
        self,
        num_heads: int,
        dropout: float = 0.1,
        kernel_initializer: str | keras.Initializer = "glorot_uniform",
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, inputs_shape: tuple) -> None:
        """Build the projections for (batch, length, hidden)."""
        hidden_dim = inputs_shape[-1]
        head_dim = hidden_dim // self.num_heads
        self.scale = 1 / math.sqrt(3 * head_dim)
        per_head = (None, self.num_heads, head_dim)
        self._query_dense = self._projection("query", "abc,cde->abde", per_head, "de")
        self._key_dense = self._projection("key", "abc,cde->abde", per_head, "de")
        self._value_dense = self._projection("value", "abc,cde->abde", per_head, "de")
        self._output_dense = self._projection(
            "attention_output", "abc,cd->abd", (None, hidden_dim), "d"
        )
        for layer in (self._query_dense, self._key_dense, self._value_dense, self._output_dense):
            layer.build(inputs_shape)
        self._position_dropout = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="position_dropout"
        )
        self._attention_dropout = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="attention_dropout"
        )
        self._softmax = keras.layers.Softmax(dtype="float32", name="attention_softmax")

    def call(
        self,
        inputs: keras.KerasTensor,
        rel_embeddings: keras.KerasTensor,
        positions: keras.KerasTensor,
        padding_mask: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Attend within each row.

        Args:
            inputs: (batch, length, hidden).
            rel_embeddings: (2 * bucket_size, hidden).
            positions: what `RelativePositions` returns.
            padding_mask: (batch, length), true for tokens.
            training: whether dropout is on.

        Returns: (batch, length, hidden).
        """
        query, key = self._query_dense(inputs), self._key_dense(inputs)
        scores = ops.einsum("bihd,bjhd->bhij", query, key)
        rel_embeddings = self._position_dropout(rel_embeddings, training=training)[None]
        to_position = self._look_up(query, self._key_dense(rel_embeddings)[0], positions)
        from_position = self._look_up(
            key, self._query_dense(rel_embeddings)[0], ops.swapaxes(positions, 0, 1)
        )
        scores += to_position + ops.swapaxes(from_position, 2, 3)
        mask = ops.cast(padding_mask, "bool")[:, None, None, :]
        weights = self._softmax(scores * self.scale, mask=mask)
        weights = self._attention_dropout(ops.cast(weights, self.compute_dtype), training=training)
        attended = ops.einsum("bhij,bjhd->bihd", weights, self._value_dense(inputs))
        return self._output_dense(ops.reshape(attended, ops.shape(inputs)))

    def _look_up(
        self, content: keras.KerasTensor, table: keras.KerasTensor, positions: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return `content[b, i, h] . table[bucket(i, j), h]` as (batch, heads, i, j)."""
        by_bucket = ops.einsum("bihd,chd->ibhc", content, table)
        length, batch, heads, buckets = ops.shape(by_bucket)
        by_bucket = ops.reshape(by_bucket, (length, batch * heads, buckets))
        scores = ops.matmul(by_bucket, ops.swapaxes(positions, 1, 2))
        return ops.transpose(ops.reshape(scores, (length, batch, heads, length)), (1, 2, 0, 3))

    def _projection(
        self, name: str, equation: str, output_shape: tuple, bias_axes: str
    ) -> keras.layers.EinsumDense:
        return keras.layers.EinsumDense(
            equation,
            output_shape,
            bias_axes=bias_axes,
            # A copy each: one initializer object would give all projections the same values.
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
