"""Softmax of attention scores, dropout and the product with the values, with a custom gradient.

The gradient of a softmax needs the mean of the incoming gradient under each row's probabilities.
With dropout too, this mean is `output . gradient of output` (FlashAttention, arXiv:2205.14135,
appendix B.4): a product of vectors instead of a sum over all scores.
"""

from functools import cache

import keras
from keras import ops

from preference.models.fused.dropout import drop, factors
from preference.models.fused.xla import on_tensorflow_cpu, xla_fused

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def softmax(scores: keras.KerasTensor) -> keras.KerasTensor:
    """Return the softmax over the last axis, computed in float32, in the type of the scores."""
    if _computes_in_float32(scores.dtype):
        return tf.nn.softmax(scores)
    return ops.cast(ops.softmax(ops.cast(scores, "float32")), scores.dtype)


@cache
def _computes_in_float32(dtype: str) -> bool:
    """Return whether TensorFlow's softmax of this type does so itself, which takes half the time.

    In 16 bits it depends on the processor and on how TensorFlow was built. It is tried out.
    """
    if not on_tensorflow_cpu():
        return False
    with tf.init_scope():
        scores = tf.random.stateless_normal((64, 512), (1, 2), stddev=4.0)
        scores = tf.cast(scores, dtype)
        expected = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), dtype)
        return bool(tf.reduce_all(tf.function(tf.nn.softmax)(scores) == expected))


def softmax_product(
    scores: keras.KerasTensor, values: keras.KerasTensor, bits: keras.KerasTensor, threshold: int
) -> keras.KerasTensor:
    """Return `(softmax(scores) * factors of dropout) @ values`: (batch, heads, n, head_dim).

    The softmax and its gradient are computed in float32.

    Args:
        scores: (batch, heads, n, n).
        values: (batch, heads, n, head_dim).
        bits: random uint8 of the dropout, as `scores`.
        threshold: `Dropout.threshold`.
    """

    @tf.custom_gradient
    def compute(scores: keras.KerasTensor, values: keras.KerasTensor) -> tuple:
        weights = softmax(scores)
        dropped = drop(weights, bits, threshold)
        output = tf.matmul(dropped, values)

        def gradient(upstream: keras.KerasTensor) -> tuple:
            of_dropped = tf.matmul(upstream, values, transpose_b=True)
            of_scores = _of_scores(
                weights, of_dropped, bits, _row_products(output, upstream), threshold
            )
            return of_scores, tf.matmul(dropped, upstream, transpose_a=True)

        return output, gradient

    return compute(scores, values)


@xla_fused
def _of_scores(
    weights: keras.KerasTensor,
    of_dropped: keras.KerasTensor,
    bits: keras.KerasTensor,
    mean: keras.KerasTensor,
    threshold: int,
) -> keras.KerasTensor:
    """Return the gradient of the scores; `mean` is float32 (batch, heads, n, 1)."""
    of_weights = tf.cast(of_dropped, tf.float32) * factors(bits, threshold, tf.float32)
    return tf.cast(tf.cast(weights, tf.float32) * (of_weights - mean), weights.dtype)


@xla_fused
def _row_products(one: keras.KerasTensor, other: keras.KerasTensor) -> keras.KerasTensor:
    products = tf.cast(one, tf.float32) * tf.cast(other, tf.float32)
    return tf.reduce_sum(products, axis=-1, keepdims=True)
