"""The kinds of operations in a step of our backbone, so that each can be timed alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
from keras import ops

from preference.models.deberta_v3.embedding_rows import ReversibleEmbedding
from preference.models.deberta_v3.encoder_layer import DisentangledAttentionEncoder
from preference.models.deberta_v3.relative_positions import RelativePositions
from preference.models.fused.gelu import gelu, gelu_without_gradient

# All operations of a layer together.
WHOLE_LAYER = "a whole layer"
Shape = tuple[int, ...]
Sizes = Mapping[str, int | float]
Tensor = keras.KerasTensor


@dataclass(frozen=True)
class Operation:
    """One kind of operation.

    Attributes:
        name: the words of the table.
        times: how often a step computes it.
        flop: the floating-point operations of its matrix products, forward and once, counted as in
            `checks.benchmarks.flops`.
        reads, writes: the shapes of its inputs and outputs.
        compute: returns the outputs, from whether dropout is on and the inputs.
        weights: those that it reads.
        vocabulary: where it reads token ids, how many there are.
    """

    name: str
    times: int
    flop: int
    reads: Sequence[Shape]
    writes: Sequence[Shape]
    compute: Callable[..., Tensor | list[Tensor]]
    weights: Sequence[keras.Variable] = ()
    vocabulary: int | None = None


class LayerParts:
    """A layer of the backbone, and its parts as functions. Each calls the code of the layer."""

    def __init__(self, sizes: Sizes, sequences: int, length: int) -> None:
        self.layer = DisentangledAttentionEncoder(
            sizes["num_heads"], sizes["intermediate_dim"], dropout=sizes["dropout"]
        )
        self.layer.build((sequences, length, sizes["hidden_dim"]))
        self.attention = self.layer._self_attention_layer
        self.mask = ops.ones((sequences, length), "int32")
        self.buckets = 2 * sizes["bucket_size"]
        self.positions = RelativePositions(sizes["bucket_size"], sizes["max_sequence_length"])

    @property
    def projections(self) -> list[keras.layers.Layer]:
        """The four projections of the attention."""
        attention = self.attention
        inner = [attention._query_dense, attention._key_dense, attention._value_dense]
        return [*inner, attention._output_dense]

    @property
    def dense(self) -> list[keras.layers.Layer]:
        """The two dense layers after the attention."""
        return [
            self.layer._feedforward_intermediate_dense,
            self.layer._feedforward_output_dense,
        ]

    def project(self, training: bool, hidden: Tensor) -> list[Tensor]:
        """Return all four projections of (sequences, length, hidden)."""
        return [dense(hidden) for dense in self.projections]

    def score_content(self, training: bool, query: Tensor, key: Tensor) -> Tensor:
        """Return scores of (sequences, heads, length, head_dim)."""
        return self.attention._scores_by_content(query, key, self.mask)

    def score_positions(
        self,
        training: bool,
        scores: Tensor,
        query: Tensor,
        key: Tensor,
        key_table: Tensor,
        query_table: Tensor,
    ) -> Tensor:
        """Return the scores with both scores by position added.

        The tables, (2 * bucket_size, heads, head_dim), are the projected relative embeddings.
        """
        positions = self.positions(self.mask)
        scores += self.attention._scores_by_position(query, key_table, positions[0])
        from_position = self.attention._scores_by_position(key, query_table, positions[1])
        return scores + ops.swapaxes(from_position, 2, 3)

    def attend(self, training: bool, scores: Tensor, value: Tensor) -> Tensor:
        """Return the values averaged by the softmax of the scores."""
        return self.attention._attend(scores, value, training)

    def feed_forward(self, training: bool, rows: Tensor) -> Tensor:
        """Return both dense layers, with GELU between them, of (tokens, hidden)."""
        first, second = self.dense
        return second((gelu if training else gelu_without_gradient)(first(rows)))

    def normalize(self, training: bool, hidden: Tensor, residual: Tensor) -> Tensor:
        """Return the normalized sum of the residual and the hidden states after dropout."""
        dropped = self.layer._dropout(hidden, training=training)
        return self.layer._feedforward_layer_norm(dropped + residual, training=training)

    def whole(self, training: bool, hidden: Tensor) -> Tensor:
        """Return the whole layer of (sequences, length, hidden)."""
        table = ops.ones((self.buckets, hidden.shape[-1]), hidden.dtype)
        return self.layer(hidden, table, self.positions(self.mask), self.mask, training=training)


def plan_operations(sizes: Sizes, sequences: int, length: int) -> list[Operation]:
    """Return the operations of a step with sequences that are not padded.

    The whole layer says whether its parts, which come before it, add up.
    """
    parts = LayerParts(sizes, sequences, length)
    dim, inner, layers = sizes["hidden_dim"], sizes["intermediate_dim"], sizes["num_layers"]
    heads, tokens = sizes["num_heads"], sequences * length
    hidden, rows, ids = (sequences, length, dim), (tokens, dim), (sequences, length)
    vectors, scores = (sequences, heads, length, dim // heads), (sequences, heads, length, length)
    table = (parts.buckets, heads, dim // heads)

    def product(width: int) -> int:
        return 2 * tokens * dim * width

    project, dense, compare = product(4 * dim), product(2 * inner), product(length)
    locate = product(2 * min(2 * length - 1, parts.buckets))
    embedding = ReversibleEmbedding(sizes["vocabulary_size"], dim)
    embedding.build()
    return [
        Operation(
            name="projections",
            times=layers,
            flop=project,
            reads=[hidden],
            writes=[hidden] * 4,
            compute=parts.project,
            weights=_weights(parts.projections),
        ),
        Operation(
            name="scores by content",
            times=layers,
            flop=compare,
            reads=[vectors, vectors],
            writes=[scores],
            compute=parts.score_content,
        ),
        Operation(
            name="scores by position",
            times=layers,
            flop=locate,
            reads=[scores, vectors, vectors, table, table],
            writes=[scores],
            compute=parts.score_positions,
        ),
        Operation(
            name="softmax, dropout, values",
            times=layers,
            flop=compare,
            reads=[scores, vectors],
            writes=[vectors],
            compute=parts.attend,
        ),
        Operation(
            name="dense, GELU, dense",
            times=layers,
            flop=dense,
            reads=[rows],
            writes=[rows],
            compute=parts.feed_forward,
            weights=_weights(parts.dense),
        ),
        Operation(
            name="dropout, sum, normalization",
            times=2 * layers,
            flop=0,
            reads=[hidden, hidden],
            writes=[hidden],
            compute=parts.normalize,
        ),
        Operation(
            name=WHOLE_LAYER,
            times=layers,
            flop=project + dense + 2 * compare + locate,
            reads=[hidden],
            writes=[hidden],
            compute=parts.whole,
            weights=_weights([parts.layer]),
        ),
        Operation(
            name="embedding",
            times=1,
            flop=0,
            reads=[ids],
            writes=[hidden],
            compute=lambda training, ids: embedding(ids),
            weights=_weights([embedding]),
            vocabulary=sizes["vocabulary_size"],
        ),
    ]


def _weights(layers: Sequence[keras.layers.Layer]) -> list[keras.Variable]:
    return [weight for layer in layers for weight in layer.trainable_weights]
