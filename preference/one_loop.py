"""Elementwise operations compiled into one loop, for training on a CPU."""

from collections.abc import Callable
from functools import wraps

import keras
import tensorflow as tf


def one_loop(compute: Callable) -> Callable:
    """Decorate a function of tensors: XLA reads and writes each value once.

    TensorFlow goes over all values for each operation, and for most of them only waits for memory.
    XLA compiles for some 50 ms for each shape, which training has few of. On a GPU and on JAX it
    compiles the whole step, see `train.jit`.
    """
    compiled = tf.function(compute, jit_compile=True, autograph=False)

    @wraps(compute)
    def choose(*arguments: object) -> object:
        if keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU"):
            return compute(*arguments)
        return compiled(*arguments)

    return choose
