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
    return tf.cast(normal * gamma + beta, inputs.dtype)


@xla_fused
def _gradients(
    inputs: keras.KerasTensor,
    gamma: keras.KerasTensor,
    epsilon: keras.KerasTensor,
    upstream: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Return the gradients of inputs, gamma and beta."""
    normal, scale = _standardize(inputs, epsilon)
    upstream = tf.cast(upstream, tf.float32)
    of_normal = upstream * gamma
    mean = tf.reduce_mean(of_normal, axis=-1, keepdims=True)
    along = tf.reduce_mean(of_normal * normal, axis=-1, keepdims=True)
    of_inputs = tf.cast(scale * (of_normal - mean - normal * along), inputs.dtype)
    rows = list(range(len(inputs.shape) - 1))
    return of_inputs, tf.reduce_sum(upstream * normal, rows), tf.reduce_sum(upstream, rows)


def _standardize(
    inputs: keras.KerasTensor, epsilon: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the inputs with mean 0 and variance 1, and the inverse standard deviation."""
    inputs = tf.cast(inputs, tf.float32)
    centred = inputs - tf.reduce_mean(inputs, axis=-1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(centred**2, axis=-1, keepdims=True) + epsilon)
    return centred * scale, scale
