"""Keep freed memory in the process, for the next step asks for as much again.

TensorFlow allocates memory for the result of every operation. What is large, glibc takes from the
system and gives back when it is freed, and the system clears each page before it is touched again.
See mallopt(3).
"""

import ctypes

import tensorflow as tf


def make_deterministic() -> None:
    """Choose deterministic kernels, and keep the order of sums.

    Call it before a model is traced, and after `compile`: Keras drops XLA where it finds this on.
    """
    tf.config.experimental.enable_op_determinism()
    # Grappler rewrites a + b + c to AddN, which adds into the input whose memory is free first:
    # the order of the attention's three scores, and so the last bits, depended on timing.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
# The largest that glibc takes; what is larger still comes from the system.
LARGEST_MMAP_THRESHOLD = 2**25
NEVER = 2**31 - 1
# Taken from the system at a time.
GROWTH_BYTES = 2**28


def keep_freed_memory() -> None:
    """Let this process keep up to the most memory that it has needed, where it runs on glibc."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    set_option(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    set_option(TRIM_THRESHOLD, NEVER)
    set_option(TOP_PAD, GROWTH_BYTES)
