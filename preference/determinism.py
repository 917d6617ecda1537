"""Make TensorFlow give the same bits for the same inputs, in every process."""

import tensorflow as tf


def make_deterministic() -> None:
    """Choose deterministic kernels, and keep the order of sums.

    Call it before a model is traced, and after `compile`: Keras drops XLA where it finds this on.
    """
    tf.config.experimental.enable_op_determinism()
    # Grappler rewrites a + b + c to AddN, which adds into the input whose memory is free first:
    # the order of the attention's three scores, and so the last bits, depended on timing.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
