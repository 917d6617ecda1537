"""The layers of a DeBERTa v3 backbone around its attention."""

import keras
from keras import ops

from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.fused.dropout import Dropout
from preference.models.fused.gelu import gelu, gelu_without_gradient
from preference.models.fused.layer_norm import LayerNormalization

LAYER_NORM_EPSILON = 1e-7
# As in pretrained DeBERTa v3, whose hidden sizes are at least 384.
INITIALIZER_RANGE = 0.02


def deberta_initializer(initializer_range: float) -> keras.Initializer:
    """Return the initializer of matrices and embeddings; the range is a standard deviation."""
    return keras.initializers.TruncatedNormal(stddev=initializer_range)


@keras.saving.register_keras_serializable(package="preference")
class RelativeEmbedding(keras.layers.Layer):
    """The vectors of the relative positions, (2 * bucket_size, hidden), shared by the whole batch.

    Args:
        bucket_size: half the number of vectors.
        hidden_dim: size of a vector.
        initializer_range: standard deviation of the initial values.
    """

    def __init__(
        self,
        bucket_size: int,
        hidden_dim: int,
        initializer_range: float = INITIALIZER_RANGE,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.bucket_size = bucket_size
        self.hidden_dim = hidden_dim
        self.initializer_range = initializer_range

    def build(self, input_shape: tuple) -> None:
        """Create the vectors; they do not depend on the input."""
        shape = (2 * self.bucket_size, self.hidden_dim)
        self.rel_embeddings = self.add_weight(
            shape=shape,
            initializer=deberta_initializer(self.initializer_range),
            name="rel_embedding",
        )
        self.layer_norm = LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, dtype=self.dtype_policy, name="rel_embeddings_layer_norm"
        )
        self.layer_norm.build(shape)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the normalized vectors; `inputs` only connects the layer to the graph."""
        return self.layer_norm(ops.convert_to_tensor(self.rel_embeddings))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (2 * bucket_size, hidden)."""
        return (2 * self.bucket_size, self.hidden_dim)

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "bucket_size": self.bucket_size,
            "hidden_dim": self.hidden_dim,
            "initializer_range": self.initializer_range,
        }


@keras.saving.register_keras_serializable(package="preference")
class DisentangledAttentionEncoder(keras.layers.Layer):
    """One transformer layer: attention, then two dense layers, each with residual and norm.

    Args:
        num_heads: attention heads.
        intermediate_dim: units between the two dense layers.
        dropout: rate after attention and dense layers, and inside the attention.
        initializer_range: standard deviation of the initial weights.
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_dim: int,
        dropout: float = 0.1,
        initializer_range: float = INITIALIZER_RANGE,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.initializer_range = initializer_range
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout

    def build(self, inputs_shape: tuple) -> None:
        """Build all parts for (batch, length, hidden)."""
        hidden_dim = inputs_shape[-1]
        self._self_attention_layer = DisentangledSelfAttention(
            self.num_heads,
            dropout=self.dropout,
            kernel_initializer=deberta_initializer(self.initializer_range),
            dtype=self.dtype_policy,
            name="self_attention_layer",
        )
        self._self_attention_layer_norm = self._norm("self_attention_layer_norm")
        self._feedforward_layer_norm = self._norm("feedforward_layer_norm")
        self._feedforward_intermediate_dense = self._dense(
            self.intermediate_dim, "feedforward_intermediate_dense"
        )
        self._feedforward_output_dense = self._dense(hidden_dim, "feedforward_output_dense")
        self._dropout = Dropout(self.dropout, dtype=self.dtype_policy, name="dropout")
        for layer in (
            self._self_attention_layer,
            self._self_attention_layer_norm,
            self._feedforward_layer_norm,
            self._feedforward_intermediate_dense,
        ):
            layer.build(inputs_shape)
        self._feedforward_output_dense.build((*inputs_shape[:-1], self.intermediate_dim))

    def call(
        self,
        inputs: keras.KerasTensor,
        rel_embeddings: keras.KerasTensor,
        positions: keras.KerasTensor,
        padding_mask: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return (batch, length, hidden); the arguments are those of the attention."""
        attended = self._self_attention_layer(
            inputs, rel_embeddings, positions, padding_mask, training=training
        )
        attended = self._dropout(attended, training=training)
        x = self._self_attention_layer_norm(attended + inputs)
        # TensorFlow fuses product, bias and, in prediction, GELU only for matrices.
        rows = self._feedforward_intermediate_dense(ops.reshape(x, (-1, x.shape[-1])))
        rows = gelu(rows) if training else gelu_without_gradient(rows)
        transformed = ops.reshape(self._feedforward_output_dense(rows), ops.shape(x))
        transformed = self._dropout(transformed, training=training)
        return self._feedforward_layer_norm(transformed + x)

    def compute_output_shape(self, inputs_shape: tuple, *_: tuple, **__: tuple) -> tuple:
        """Return the shape of the input."""
        return inputs_shape

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "initializer_range": self.initializer_range,
        }

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(epsilon=LAYER_NORM_EPSILON, dtype=self.dtype_policy, name=name)

    def _dense(self, units: int, name: str, **arguments: object) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=deberta_initializer(self.initializer_range),
            dtype=self.dtype_policy,
            name=name,
            **arguments,
        )
