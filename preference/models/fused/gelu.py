"""The exact GELU (arXiv:1606.08415) with a custom gradient."""

import math

import keras
from keras import ops

from preference.models.fused.xla import on_tensorflow_cpu, xla_fused


@keras.saving.register_keras_serializable(package="preference")
def gelu(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return `x * P(X <= x)` for a standard normal X.

    It is computed in float32. The gradient recomputes it, which costs less than storing it.
    """
    return _gelu(inputs)


@ops.custom_gradient
def _gelu(inputs: keras.KerasTensor) -> tuple:
    def gradient(*upstream: keras.KerasTensor) -> keras.KerasTensor:
        return _gradient(inputs, upstream[-1])

    return _forward(inputs), gradient


@xla_fused
def _forward(inputs: keras.KerasTensor) -> keras.KerasTensor:
    x = ops.cast(inputs, "float32")
    return ops.cast(x * _below(x), inputs.dtype)


@xla_fused
def _gradient(inputs: keras.KerasTensor, upstream: keras.KerasTensor) -> keras.KerasTensor:
    x = ops.cast(inputs, "float32")
    density = ops.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return upstream * ops.cast(_below(x) + x * density, inputs.dtype)


def _below(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return `P(X <= x)`."""
    return 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))


def gelu_without_gradient(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return `gelu(inputs)`, in the form that TensorFlow fuses with a matrix product on a CPU.

    Fused, it is computed in float32 at almost no cost. Elsewhere it would be computed in 16 bits,
    so `gelu` is called.
    """
    if not on_tensorflow_cpu():
        return gelu(inputs)
    return inputs * (0.5 * (1 + ops.erf(inputs * math.sqrt(0.5))))
