"""Softmax of scores, dropout, and the product with the values, with a gradient written out.

The gradient of a softmax needs the mean of the incoming gradient under each row's probabilities.
That is `output . gradient of output` (FlashAttention, arXiv:2205.14135, appendix B.4, with dropout
too), a product of vectors, where the derivative of the softmax alone goes over all scores.
"""

import tensorflow as tf


@tf.custom_gradient
def softmax_product(scores: tf.Tensor, values: tf.Tensor, factors: tf.Tensor) -> tuple:
    """Return `(softmax(scores) * factors) @ values`: (batch, heads, n, head_dim).

    The softmax and its gradient are computed in float32.

    Args:
        scores: (batch, heads, n, n).
        values: (batch, heads, n, head_dim).
        factors: of dropout, as `scores`; they have no gradient.
    """
    weights = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), scores.dtype)
    dropped = weights * factors
    output = tf.matmul(dropped, values)

    def gradient(upstream: tf.Tensor) -> tuple:
        mean = tf.reduce_sum(
            tf.cast(output, tf.float32) * tf.cast(upstream, tf.float32), axis=-1, keepdims=True
        )
        of_weights = tf.matmul(upstream, values, transpose_b=True) * factors
        of_scores = weights * (of_weights - tf.cast(mean, scores.dtype))
        return of_scores, tf.matmul(dropped, upstream, transpose_a=True), None

    return output, gradient
