"""Elementwise operations compiled into one loop, for training on a CPU."""

from collections.abc import Callable
from functools import wraps

import keras


def on_tensorflow_cpu() -> bool:
    """Return whether Keras computes with TensorFlow, and without a GPU.

    On JAX, TensorFlow is not imported: it need not be installed there.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def one_loop(compute: Callable) -> Callable:
    """Decorate a function of tensors: XLA reads and writes each value once.

    TensorFlow goes over all values for each operation, and for most of them only waits for memory.
    XLA compiles for some 50 ms for each shape, which training has few of. On a GPU and on JAX it
    compiles the whole step, see `train.jit`.
    """
    if keras.backend.backend() != "tensorflow":
        return compute
    import tensorflow as tf

    compiled = tf.function(compute, jit_compile=True, autograph=False)

    @wraps(compute)
    def choose(*arguments: object) -> object:
        return compiled(*arguments) if on_tensorflow_cpu() else compute(*arguments)

    return choose
