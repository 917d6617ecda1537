"""A DeBERTa v3 backbone (arXiv:2111.09543) with the attention of `disentangled_self_attention`."""

import keras
import keras_nlp

from preference.models.deberta_v3.embedding_rows import ReversibleEmbedding
from preference.models.deberta_v3.encoder_layer import (
    INITIALIZER_RANGE,
    LAYER_NORM_EPSILON,
    DisentangledAttentionEncoder,
    RelativeEmbedding,
    deberta_initializer,
)
from preference.models.deberta_v3.relative_positions import RelativePositions
from preference.models.fused.dropout import Dropout
from preference.models.fused.layer_norm import LayerNormalization


@keras.saving.register_keras_serializable(package="preference")
class DebertaV3Backbone(keras_nlp.models.Backbone):
    """Computes the same as `keras_nlp.models.DebertaV3Backbone`, with the same weight names.

    From `token_ids` and `padding_mask`, int32 (rows, length), to hidden states (rows, length,
    hidden_dim).

    Args:
        vocabulary_size: rows of the token embedding.
        num_layers, num_heads, hidden_dim, intermediate_dim: size of the encoder.
        dropout: rate of all dropout layers.
        max_sequence_length: distances of at least this many tokens share one position vector.
        bucket_size: half the number of position vectors.
        initializer_range: standard deviation of the initial weights.
        dtype: precision policy; the global one by default.
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int,
        dropout: float = 0.1,
        max_sequence_length: int = 512,
        bucket_size: int = 256,
        initializer_range: float = INITIALIZER_RANGE,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: object,
    ) -> None:
        # === Layers ===
        self.token_embedding = ReversibleEmbedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=deberta_initializer(initializer_range),
            dtype=dtype,
            name="token_embedding",
        )
        self.embeddings_layer_norm = LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, dtype=dtype, name="embeddings_layer_norm"
        )
        self.embeddings_dropout = Dropout(dropout, dtype=dtype, name="embeddings_dropout")
        self.relative_embeddings = RelativeEmbedding(
            bucket_size, hidden_dim, initializer_range, dtype=dtype, name="rel_embedding"
        )
        self.relative_positions = RelativePositions(
            bucket_size, max_sequence_length, dtype=dtype, name="relative_positions"
        )
        self.transformer_layers = [
            DisentangledAttentionEncoder(
                num_heads,
                intermediate_dim,
                dropout=dropout,
                initializer_range=initializer_range,
                dtype=dtype,
                name=f"disentangled_attention_encoder_layer_{index}",
            )
            for index in range(num_layers)
        ]

        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        x = self.embeddings_dropout(self.embeddings_layer_norm(self.token_embedding(token_ids)))
        rel_embeddings = self.relative_embeddings(x)
        positions = self.relative_positions(token_ids)
        for layer in self.transformer_layers:
            x = layer(x, rel_embeddings, positions, padding_mask)
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs=x,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.max_sequence_length = max_sequence_length
        self.bucket_size = bucket_size
        self.initializer_range = initializer_range

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        arguments = (
            "vocabulary_size",
            "num_layers",
            "num_heads",
            "hidden_dim",
            "intermediate_dim",
            "dropout",
            "max_sequence_length",
            "bucket_size",
            "initializer_range",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in arguments}}


def with_fast_attention(stock: keras_nlp.models.DebertaV3Backbone) -> DebertaV3Backbone:
    """Return our backbone with the size, the weights and the name of keras-nlp's."""
    config = stock.get_config()
    arguments = (
        *("vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim"),
        *("dropout", "max_sequence_length", "bucket_size"),
    )
    ours = DebertaV3Backbone(
        **{name: config[name] for name in arguments}, dtype=stock.dtype_policy, name=stock.name
    )
    weights = {weight.path: weight for weight in stock.weights}
    for weight in ours.weights:
        weight.assign(weights[weight.path])
    return ours
