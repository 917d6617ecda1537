"""Dropout that draws 8 random bits an element, where the stock layer draws 32.

Random numbers are most of its cost on a CPU: of an attention layer without dropout, drawing the
stock layer's takes as long as all the rest.
"""

import keras

from preference.models.fused.xla import one_loop

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

BITS = 8


@keras.saving.register_keras_serializable(package="preference")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose rate is rounded to a multiple of 2**-8."""

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Drop elements in training, and scale the others so that the expectation stays."""
        if not training or self.rate == 0 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training)
        return _dropped(inputs, self.random_bits(inputs), self.threshold)

    @property
    def threshold(self) -> int:
        """Below it, random bits drop their element."""
        return min(max(round(self.rate * 2**BITS), 1), 2**BITS - 1)

    def random_bits(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Draw for each element of `inputs`: uint8."""
        shape = tf.shape(inputs)
        size = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32
        )
        bits = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
        return tf.reshape(bits[:size], shape)


def factors(bits: keras.KerasTensor, threshold: int, dtype: str) -> keras.KerasTensor:
    """Return by what training multiplies each element: 0, or 1 / share kept."""
    scale = tf.constant(1 / (1 - threshold / 2**BITS), dtype)
    return tf.where(bits >= threshold, scale, tf.zeros_like(scale))


@one_loop
def drop(elements: keras.KerasTensor, bits: keras.KerasTensor, threshold: int) -> keras.KerasTensor:
    """Return the elements times their factors; of a gradient, too."""
    return elements * factors(bits, threshold, elements.dtype)


def _dropped(
    inputs: keras.KerasTensor, bits: keras.KerasTensor, threshold: int
) -> keras.KerasTensor:
    @tf.custom_gradient
    def multiply(inputs: keras.KerasTensor) -> tuple:
        return drop(inputs, bits, threshold), lambda upstream: drop(upstream, bits, threshold)

    return multiply(inputs)
