"""The exact GELU (arXiv:1606.08415) with a gradient written out."""

import math

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
def gelu(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return `x * P(X <= x)` for a standard normal X.

    The error function is computed in float32, because its 16-bit kernels are slower, and the
    gradient reuses it.
    """
    return _gelu(inputs)


@ops.custom_gradient
def _gelu(inputs: keras.KerasTensor) -> tuple:
    x = ops.cast(inputs, "float32")
    below = 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))

    def gradient(*upstream: keras.KerasTensor) -> keras.KerasTensor:
        density = ops.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return upstream[-1] * ops.cast(below + x * density, inputs.dtype)

    return ops.cast(x * below, inputs.dtype), gradient


def gelu_without_gradient(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return what `gelu` does, in the form that TensorFlow joins with a product on a CPU.

    Joined, it is float32 inside and costs next to nothing. Elsewhere it would be computed with 16
    bits, and is left to `gelu`.
    """
    if keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU"):
        return gelu(inputs)
    return inputs * (0.5 * (1 + ops.erf(inputs * math.sqrt(0.5))))
