"""The exact GELU (arXiv:1606.08415) with a gradient written out."""

import math

import keras
from keras import ops

from preference.models.fused.xla import on_tensorflow_cpu, one_loop


@keras.saving.register_keras_serializable(package="preference")
def gelu(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return `x * P(X <= x)` for a standard normal X.

    It is computed in float32. The gradient computes it again: that costs less than to keep it.
    """
    return _gelu(inputs)


@ops.custom_gradient
def _gelu(inputs: keras.KerasTensor) -> tuple:
    def gradient(*upstream: keras.KerasTensor) -> keras.KerasTensor:
        return _gradient(inputs, upstream[-1])

    return _forward(inputs), gradient


@one_loop
def _forward(inputs: keras.KerasTensor) -> keras.KerasTensor:
    x = ops.cast(inputs, "float32")
    return ops.cast(x * _below(x), inputs.dtype)


@one_loop
def _gradient(inputs: keras.KerasTensor, upstream: keras.KerasTensor) -> keras.KerasTensor:
    x = ops.cast(inputs, "float32")
    density = ops.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return upstream * ops.cast(_below(x) + x * density, inputs.dtype)


def _below(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return `P(X <= x)`."""
    return 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))


def gelu_without_gradient(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return what `gelu` does, in the form that TensorFlow joins with a product on a CPU.

    Joined, it is float32 inside and costs next to nothing. Elsewhere it would be computed with 16
    bits, and is left to `gelu`.
    """
    if not on_tensorflow_cpu():
        return gelu(inputs)
    return inputs * (0.5 * (1 + ops.erf(inputs * math.sqrt(0.5))))
