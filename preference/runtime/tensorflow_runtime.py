"""Settings of the TensorFlow process: deterministic results, and memory that is reused."""

import ctypes

import tensorflow as tf


def make_deterministic() -> None:
    """Choose deterministic kernels, and keep the order of sums.

    Call it after `compile`, because Keras disables XLA when determinism is on, and before the model
    is traced.
    """
    tf.config.experimental.enable_op_determinism()
    # Grappler rewrites a + b + c to AddN, which adds into the input whose memory is free first. The
    # order in which the attention's three scores were added, and so the last bits, depended on
    # timing.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


# Parameters of mallopt(3).
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
# The largest value that glibc accepts. Larger blocks still come from the system.
LARGEST_MMAP_THRESHOLD = 2**25
NEVER = 2**31 - 1
# How much memory is taken from the system at a time.
GROWTH_BYTES = 2**28


def keep_freed_memory() -> None:
    """Keep freed memory in this process, if it runs on glibc.

    TensorFlow allocates memory for the result of every operation, and the next step needs as much
    again. By default glibc returns large blocks to the system, which clears each page before it
    gives it out again.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    set_option(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    set_option(TRIM_THRESHOLD, NEVER)
    set_option(TOP_PAD, GROWTH_BYTES)
