"""Heads, from the pooled vectors of both sides, (batch, 2, hidden), to three logits."""

import keras
from keras import ops

from preference.battles.table import LABELS
from preference.config.params import ModelParams


def build_head(params: ModelParams, hidden_dim: int) -> keras.Model:
    """Build the head that `params.head` names.

    `concat` is one dense layer over `[a; b]`. `mlp` has hidden layers of `head_units` with
    `head_dropout` before it. `equivariant` scores both orders with one network, so that swapping
    the answers swaps P(A) and P(B) exactly.
    """
    pooled = keras.Input((2, hidden_dim), name="pooled")
    outputs = 2 if params.head == "equivariant" else len(LABELS)
    network = _network(params, hidden_dim, outputs)
    logits = OrderEquivariant(network)(pooled) if params.head == "equivariant" else network(pooled)
    return keras.Model(pooled, logits, name="head")


def _network(params: ModelParams, hidden_dim: int, outputs: int) -> keras.Sequential:
    hidden = []
    for index, (units, rate) in enumerate(
        zip(params.head_units, params.head_dropout, strict=True), start=1
    ):
        hidden.append(keras.layers.Dense(units, activation="relu", name=f"hidden_{index}"))
        hidden.append(keras.layers.Dropout(rate, name=f"dropout_{index}"))
    sides = keras.Input((2, hidden_dim), name="sides")
    concatenate = keras.layers.Flatten(name="concatenate")
    logits = keras.layers.Dense(outputs, dtype="float32", name="logits")
    return keras.Sequential([sides, concatenate, *hidden, logits], name="network")


@keras.saving.register_keras_serializable(package="preference")
class OrderEquivariant(keras.layers.Layer):
    """Logits of A, B and tie; swapping the sides swaps those of A and B exactly.

    With `network([x; y]) = (win(x, y), tie(x, y))` the logits are `win(a, b)`, `win(b, a)` and
    `tie(a, b) + tie(b, a)`.

    Args:
        network: a layer from (batch, 2, hidden) to (batch, 2).
    """

    def __init__(self, network: keras.layers.Layer, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.network = network

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
    def from_config(cls, config: dict) -> "OrderEquivariant":
        """Rebuild the layer with its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)
