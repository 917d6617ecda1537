"""Heads, from the pooled vectors of both sides, (batch, 2, hidden), to three logits."""

import keras
from keras import ops

from preference.battles.table import LABELS
from preference.config.model_params import ModelParams


def build_head(params: ModelParams, hidden_dim: int, from_zero: bool = False) -> keras.Model:
    """Build the head that `params.head` names.

    `concat` is one dense layer over `[a; b]`. `mlp` has hidden layers of `head_units` with
    `head_dropout` before it. `equivariant` scores both orders with one network, so that swapping
    the answers swaps P(A) and P(B) exactly. `davidson` gives each answer one score, and compares
    the two scores alone. Both may have hidden layers, too.

    Args:
        params: `head`, `head_units` and `head_dropout`.
        hidden_dim: of the vector of a side, with its features.
        from_zero: whether all labels are equally likely before training, as in a logistic
            regression. A backbone that is trained, too, has no gradient until the head has left
            zero, and learns less.
    """
    pooled = keras.Input((2, hidden_dim), name="pooled")
    sides = keras.Input((2, hidden_dim), name="sides")
    initializer = "zeros" if from_zero else "glorot_uniform"
    return keras.Model(pooled, _layer(params, sides, initializer)(pooled), name="head")


def _layer(params: ModelParams, sides: keras.KerasTensor, initializer: str) -> keras.layers.Layer:
    if params.head == "davidson":
        return Davidson(_network(params, sides, initializer, outputs=1))
    if params.head == "equivariant":
        network = _network(params, sides, initializer, outputs=2, concatenate=True)
        return OrderEquivariant(network)
    return _network(params, sides, initializer, outputs=len(LABELS), concatenate=True)


def _network(
    params: ModelParams,
    sides: keras.KerasTensor,
    initializer: str,
    outputs: int,
    concatenate: bool = False,
) -> keras.Sequential:
    hidden: list[keras.layers.Layer] = []
    if concatenate:
        hidden.append(keras.layers.Flatten(name="concatenate"))
    for index, (units, rate) in enumerate(
        zip(params.head_units, params.head_dropout, strict=True), start=1
    ):
        hidden.append(keras.layers.Dense(units, activation="relu", name=f"hidden_{index}"))
        hidden.append(keras.layers.Dropout(rate, name=f"dropout_{index}"))
    logits = keras.layers.Dense(
        outputs, kernel_initializer=initializer, dtype="float32", name="logits"
    )
    return keras.Sequential([sides, *hidden, logits], name="network")


class NetworkHead(keras.layers.Layer):
    """A head that is saved with the network inside it.

    Args:
        network: the layer that it calls.
    """

    def __init__(self, network: keras.layers.Layer, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.network = network

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (batch, 3)."""
        return (input_shape[0], len(LABELS))

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict) -> "NetworkHead":
        """Rebuild the layer with its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


@keras.saving.register_keras_serializable(package="preference")
class OrderEquivariant(NetworkHead):
    """Logits of A, B and tie; swapping the sides swaps those of A and B exactly.

    With `network([x; y]) = (win(x, y), tie(x, y))` the logits are `win(a, b)`, `win(b, a)` and
    `tie(a, b) + tie(b, a)`.

    Args:
        network: a layer from (batch, 2, hidden) to (batch, 2).
    """

    def build(self, input_shape: tuple) -> None:
        """Build the network for (batch, 2, hidden)."""
        self.network.build(input_shape)

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Return (batch, 3)."""
        forward = self.network(inputs, training=training)
        backward = self.network(ops.flip(inputs, axis=1), training=training)
        return ops.stack(
            [forward[:, 0], backward[:, 0], forward[:, 1] + backward[:, 1]],
            axis=1,
        )


@keras.saving.register_keras_serializable(package="preference")
class Davidson(NetworkHead):
    """Logits of A, B and tie from one score for each side, and how much a tie is worth.

    With the scores r_a and r_b and a learned log nu, the logits are r_a, r_b and
    log nu + (r_a + r_b) / 2 (Davidson, 1970, "On extending the Bradley-Terry model to accommodate
    ties in paired comparison experiments", equation 2.4, with pi = exp(r)). Swapping the sides
    swaps the logits of A and B exactly, and the scores of several answers to one prompt can be
    compared.

    Args:
        network: a layer from (batch, 2, hidden) to the scores (batch, 2, 1), one side at a time.
    """

    def build(self, input_shape: tuple) -> None:
        """Build the network for (batch, 2, hidden), and make log nu, which begins at 0."""
        self.network.build(input_shape)
        # Weight decay leaves out what has "bias" in its name.
        self.log_tie = self.add_weight(
            shape=(), initializer="zeros", dtype="float32", name="log_tie_bias"
        )

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Return (batch, 3)."""
        scores = self.network(inputs, training=training)[:, :, 0]
        tie = ops.cast(self.log_tie, scores.dtype) + (scores[:, 0] + scores[:, 1]) / 2
        return ops.stack([scores[:, 0], scores[:, 1], tie], axis=1)
