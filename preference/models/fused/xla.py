"""Elementwise operations fused by XLA, for training on a CPU."""

from collections.abc import Callable
from functools import wraps

import keras


def on_tensorflow_cpu() -> bool:
    """Return whether Keras computes with TensorFlow and without a GPU.

    On JAX, TensorFlow is not imported, because it need not be installed.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def xla_fused(compute: Callable) -> Callable:
    """Fuse the elementwise operations of a function of tensors, on TensorFlow with a CPU.

    TensorFlow reads and writes all values for each operation, and mostly waits for memory; XLA does
    so once. Compiling takes some 50 ms per shape, and training has few shapes. On a GPU and on JAX
    the function is unchanged, because XLA compiles the whole step (`train.jit`).
    """
    if keras.backend.backend() != "tensorflow":
        return compute
    import tensorflow as tf

    compiled = tf.function(compute, jit_compile=True, autograph=False)

    @wraps(compute)
    def choose(*arguments: object) -> object:
        return compiled(*arguments) if on_tensorflow_cpu() else compute(*arguments)

    return choose
