"""Disentangled self-attention (DeBERTa, arXiv:2006.03654; v3, arXiv:2111.09543) without gathers.

It computes the same as keras-nlp's layer, with the same weights, in less time: position vectors are
projected once per batch, not once per row; scores against positions are matrix products
(`relative_positions`); the scale is applied to vectors, not to scores.
"""

import math

import keras
from keras import ops

from preference.models.deberta_v3.embedding_rows import take_few_rows
from preference.models.deberta_v3.relative_positions import block_count, block_size, skew
from preference.models.fused.attention_softmax import softmax, softmax_product
from preference.models.fused.dropout import Dropout


@keras.saving.register_keras_serializable(package="preference")
class FlatProjection(keras.layers.EinsumDense):
    """`keras.layers.EinsumDense` from the last axis to one or more new last axes.

    It has the same weights, but is one matrix product: the gradient of the stock layer computes a
    product for each row of the batch, and sums them.
    """

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Project (batch, length, inputs) to (batch, length, *outputs)."""
        features, *outputs = self.kernel.shape
        rows = ops.reshape(inputs, (-1, features))
        projected = ops.matmul(rows, ops.reshape(self.kernel, (features, math.prod(outputs))))
        projected = ops.add(projected, ops.reshape(self.bias, (-1,)))
        return ops.reshape(projected, (*ops.shape(inputs)[:-1], *outputs))


# Added to the scores of padding. The probability is then exactly 0 in float32, and float16 can hold
# the number.
HIDDEN_SCORE = -3e4
# The matrix units of a GPU need a depth that is a multiple of 8.
MASK_FEATURES = 8


@keras.saving.register_keras_serializable(package="preference")
class DisentangledSelfAttention(keras.layers.Layer):
    """Self-attention with content-to-position and position-to-content scores.

    Position vectors share the projections of the content (`share_att_key`), as in DeBERTa v3.

    Args:
        num_heads: attention heads; divides the hidden size.
        dropout: rate for the attention probabilities and for the position vectors.
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
        self._position_dropout = Dropout(
            self.dropout, dtype=self.dtype_policy, name="position_dropout"
        )
        self._attention_dropout = Dropout(
            self.dropout, dtype=self.dtype_policy, name="attention_dropout"
        )

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
            positions: int32 (2, blocks, window) from `RelativePositions`.
            padding_mask: (batch, length), true for tokens.
            training: whether dropout is on.

        Returns: (batch, length, hidden).
        """
        query, key, value = self._project(inputs)
        query = query * self.scale
        scores = self._scores_by_content(query, key, padding_mask)

        rel_embeddings = self._position_dropout(rel_embeddings, training=training)[None]
        rel_key = self._key_dense(rel_embeddings)[0]
        rel_query = self._query_dense(rel_embeddings)[0] * self.scale
        scores += self._scores_by_position(query, rel_key, positions[0], training)
        from_position = self._scores_by_position(key, rel_query, positions[1], training)
        scores += ops.swapaxes(from_position, 2, 3)

        attended = self._heads_first(self._attend(scores, value, training))
        return self._output_dense(ops.reshape(attended, ops.shape(inputs)))

    def _project(self, inputs: keras.KerasTensor) -> list[keras.KerasTensor]:
        """Return queries, keys and values, each (batch, heads, length, head_dim).

        One product with all three matrices, and one transpose, take less time than three of each.
        """
        layers = (self._query_dense, self._key_dense, self._value_dense)
        batch, length, hidden = ops.shape(inputs)
        kernel = ops.concatenate([ops.reshape(layer.kernel, (hidden, -1)) for layer in layers], 1)
        bias = ops.concatenate([ops.reshape(layer.bias, (-1,)) for layer in layers])
        projected = ops.matmul(ops.reshape(inputs, (-1, hidden)), kernel) + bias
        shape = (batch, length, len(layers), self.num_heads, hidden // self.num_heads)
        return ops.unstack(ops.transpose(ops.reshape(projected, shape), (2, 0, 3, 1, 4)))

    def _scores_by_content(
        self, query: keras.KerasTensor, key: keras.KerasTensor, padding_mask: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return `query[b, h, i] . key[b, h, j]`: (batch, heads, i, j), hidden where j is padding.

        Padding is hidden by extra features: 1 in each query, and a part of `HIDDEN_SCORE` in each
        key of padding. The product adds them; a sum would read and write all scores once more.
        """
        extra = (*ops.shape(key)[:3], MASK_FEATURES)
        hidden = (1 - ops.cast(padding_mask, key.dtype)) * (HIDDEN_SCORE / MASK_FEATURES)
        hidden = ops.broadcast_to(hidden[:, None, :, None], extra)
        query = ops.concatenate([query, ops.ones(extra, query.dtype)], axis=-1)
        key = ops.concatenate([key, hidden], axis=-1)
        return ops.matmul(query, ops.swapaxes(key, 2, 3))

    def _attend(
        self, scores: keras.KerasTensor, value: keras.KerasTensor, training: bool | None
    ) -> keras.KerasTensor:
        """Return the values averaged by the softmax of the scores: (batch, heads, i, head_dim)."""
        if training and self.dropout and keras.backend.backend() == "tensorflow":
            bits = self._attention_dropout.random_bits(scores)
            return softmax_product(scores, value, bits, self._attention_dropout.threshold)
        weights = self._attention_dropout(softmax(scores), training=training)
        return ops.matmul(weights, value)

    def _heads_first(self, content: keras.KerasTensor) -> keras.KerasTensor:
        """Exchange the axes of length and heads, in either direction."""
        return ops.swapaxes(content, 1, 2)

    def _scores_by_position(
        self,
        content: keras.KerasTensor,
        table: keras.KerasTensor,
        positions: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return `content[b, h, i] . table[bucket of (i, j), h]` as (batch, heads, i, j).

        `content` is (batch, heads, length, head_dim), `table` (2 * bucket_size, heads, head_dim),
        `positions` (blocks, window).
        """
        batch, heads, length, head_dim = ops.shape(content)
        block, blocks = block_size(length), block_count(length)
        windows = ops.transpose(take_few_rows(table, positions), (2, 0, 3, 1))
        windows = ops.reshape(windows, (1, heads * blocks, head_dim, length + block))
        if not isinstance(length, int) or length % block:
            padding = ((0, 0), (0, 0), (0, blocks * block - length), (0, 0))
            content = ops.pad(content, padding)
        rows = ops.reshape(content, (batch, heads * blocks, block, head_dim))
        scores = ops.matmul(rows, windows)
        scores = ops.reshape(scores, (batch * heads * blocks, block, length + block))
        scores = ops.reshape(skew(scores, training), (batch, heads, blocks * block, length))
        return ops.slice(scores, (0, 0, 0, 0), (batch, heads, length, length))

    def _projection(
        self, name: str, equation: str, output_shape: tuple, bias_axes: str
    ) -> FlatProjection:
        return FlatProjection(
            equation,
            output_shape,
            bias_axes=bias_axes,
            # A shared initializer object would give all projections the same values.
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
