"""Compare outputs and gradients of one attention layer of a variant with the present one."""

from contextlib import AbstractContextManager
from functools import cache

import jax
import keras
import numpy as np
from jax import numpy as jnp

from preference.models.deberta_v3.disentangled_self_attention import DisentangledSelfAttention
from preference.models.deberta_v3.relative_positions import RelativePositions

BATCH, HEADS, HEAD_DIM, BUCKETS, POSITIONS = 2, 2, 64, 256, 512


def attention_errors(
    variant: AbstractContextManager, precision: str, length: int = 128
) -> dict[str, float]:
    """Return the largest error of a variant and of the present layer in `precision`.

    Each error is relative to the largest value of the same output or gradient of the present layer
    in float32, at JAX's highest precision. Dropout is off, so that the layer is deterministic.
    """
    expected = _derive_present("float32", length)
    with variant:
        found = _derive(precision, length)
    return {
        "attention_error": _largest_error(found, expected),
        "present_attention_error": _largest_error(_derive_present(precision, length), expected),
    }


@cache
def _derive_present(precision: str, length: int) -> list[np.ndarray]:
    return _derive(precision, length)


def _derive(precision: str, length: int) -> list[np.ndarray]:
    """Return the output of one layer, and the gradients of its inputs and weights."""
    hidden = HEADS * HEAD_DIM
    layer = DisentangledSelfAttention(HEADS, dropout=0.0, dtype=precision)
    layer.build((None, None, hidden))
    random = np.random.default_rng(length)
    weights = [random.normal(0, hidden**-0.5, weight.shape) for weight in layer.weights]
    inputs, direction = random.normal(size=(2, BATCH, length, hidden)).astype("float32")
    table = random.normal(size=(2 * BUCKETS, hidden)).astype("float32")
    padding_mask = np.ones((BATCH, length), "int32")
    padding_mask[1, -(length // 4) :] = 0
    positions = RelativePositions(BUCKETS, POSITIONS)(padding_mask)
    # The outputs at padding are never read.
    direction *= padding_mask[:, :, None]

    def compute(weights: list, inputs: jax.Array, table: jax.Array) -> tuple:
        arguments = (inputs, table, positions, padding_mask)
        output, _ = layer.stateless_call(
            weights,
            [variable.value for variable in layer.non_trainable_variables],
            *(layer_input(argument, layer) for argument in arguments),
            training=True,
        )
        output = output.astype("float32")
        return (output * direction).sum(), output * padding_mask[:, :, None]

    derive = jax.value_and_grad(compute, argnums=(0, 1, 2), has_aux=True)
    weights = [jnp.asarray(weight, "float32") for weight in weights]
    with jax.default_matmul_precision("highest" if precision == "float32" else "default"):
        (_, output), gradients = jax.jit(derive)(weights, inputs, table)
    return [np.asarray(value, "float64") for value in jax.tree.leaves([output, gradients])]


def layer_input(argument: jax.Array, layer: keras.layers.Layer) -> jax.Array:
    """Return an input with the type that the encoder passes to the layer."""
    argument = jnp.asarray(argument)
    return argument.astype(layer.compute_dtype) if argument.dtype == "float32" else argument


def _largest_error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    return max(
        float(np.abs(one - other).max() / np.abs(other).max())
        for one, other in zip(found, expected, strict=True)
    )
