"""Dropout that draws 8 random bits per element; Keras's own layer draws 32.

Drawing random numbers is most of the cost on a CPU: with Keras's dropout it takes as long as all
other computation of an attention layer.
"""

import keras

from preference.models.fused.xla import xla_fused

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

BITS = 8


@keras.saving.register_keras_serializable(package="preference")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose rate is rounded to a multiple of 2**-8."""

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """In training, drop elements and scale the others so that the expectation is unchanged."""
        if not training or self.rate == 0 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training)
        return _dropped(inputs, self.random_bits(inputs), self.threshold)

    @property
    def threshold(self) -> int:
        """An element is dropped when its random bits are below this number."""
        return min(max(round(self.rate * 2**BITS), 1), 2**BITS - 1)

    def random_bits(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return random numbers, uint8, one for each element of `inputs`."""
        shape = tf.shape(inputs)
        size = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32
        )
        bits = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
        return tf.reshape(bits[:size], shape)


def factors(bits: keras.KerasTensor, threshold: int, dtype: str) -> keras.KerasTensor:
    """Return the factor of each element in training: 0, or 1 / (1 - rate)."""
    scale = tf.constant(1 / (1 - threshold / 2**BITS), dtype)
    return tf.where(bits >= threshold, scale, tf.zeros_like(scale))


@xla_fused
def drop(elements: keras.KerasTensor, bits: keras.KerasTensor, threshold: int) -> keras.KerasTensor:
    """Return the elements times their factors; a gradient is dropped in the same way."""
    return elements * factors(bits, threshold, elements.dtype)


def _dropped(
    inputs: keras.KerasTensor, bits: keras.KerasTensor, threshold: int
) -> keras.KerasTensor:
    @tf.custom_gradient
    def multiply(inputs: keras.KerasTensor) -> tuple:
        return drop(inputs, bits, threshold), lambda upstream: drop(upstream, bits, threshold)

    return multiply(inputs)
