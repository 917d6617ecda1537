"""Layer normalization (arXiv:1607.06450) with a custom gradient."""

import keras
from keras import ops

from preference.models.fused.xla import xla_fused

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="preference")
class LayerNormalization(keras.layers.LayerNormalization):
    """`keras.layers.LayerNormalization` over the last axis, computed in float32.

    In training it reads its input once forward and once backward, and stores only the input in
    between.
    """

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Return the normalized vectors, (..., hidden) as the inputs."""
        if not training or keras.backend.backend() != "tensorflow":
            return super().call(inputs)
        gamma, beta = (tf.convert_to_tensor(scale, "float32") for scale in (self.gamma, self.beta))
        return _normalize(tf.convert_to_tensor(inputs), gamma, beta, tf.constant(self.epsilon))


@ops.custom_gradient
def _normalize(
    inputs: keras.KerasTensor,
    gamma: keras.KerasTensor,
    beta: keras.KerasTensor,
    epsilon: keras.KerasTensor,
) -> tuple:
    def gradient(upstream: keras.KerasTensor) -> tuple:
        return *_gradients(inputs, gamma, epsilon, upstream), None

    return _forward(inputs, gamma, beta, epsilon), gradient


@xla_fused
def _forward(
    inputs: keras.KerasTensor,
    gamma: keras.KerasTensor,
    beta: keras.KerasTensor,
    epsilon: keras.KerasTensor,
) -> keras.KerasTensor:
    normal, _ = _standardize(inputs, epsilon)
    return tf.reshape(tf.cast(normal * gamma + beta, inputs.dtype), tf.shape(inputs))


@xla_fused
def _gradients(
    inputs: keras.KerasTensor,
    gamma: keras.KerasTensor,
    epsilon: keras.KerasTensor,
    upstream: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Return the gradients of inputs, gamma and beta."""
    normal, scale = _standardize(inputs, epsilon)
    upstream = _rows(upstream)
    of_normal = upstream * gamma
    of_inputs = scale * (of_normal - _mean(of_normal) - normal * _mean(of_normal * normal))
    of_inputs = tf.reshape(tf.cast(of_inputs, inputs.dtype), tf.shape(inputs))
    return of_inputs, _sum_rows(upstream * normal), _sum_rows(upstream)


def _standardize(
    inputs: keras.KerasTensor, epsilon: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the rows with mean 0 and variance 1, and the inverse standard deviations."""
    rows = _rows(inputs)
    centred = rows - _mean(rows)
    scale = tf.math.rsqrt(_mean(centred**2) + epsilon)
    return centred * scale, scale


def _rows(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return the inputs as float32 rows: (rows, hidden)."""
    return tf.cast(tf.reshape(inputs, (-1, inputs.shape[-1])), tf.float32)


def _mean(rows: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of each row, (rows, 1).

    It is a product, for which XLA has a faster kernel than for a sum along the last axis.
    """
    hidden = rows.shape[-1]
    return tf.matmul(rows, tf.fill((hidden, 1), 1 / hidden))


def _sum_rows(rows: keras.KerasTensor) -> keras.KerasTensor:
    return tf.matmul(tf.ones((1, tf.shape(rows)[0])), rows)[0]
