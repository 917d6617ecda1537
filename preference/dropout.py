"""Dropout that draws 8 random bits an element, where the stock layer draws 32.

Random numbers are most of its cost on a CPU: of an attention layer without dropout, drawing the
stock layer's takes as long as all the rest.
"""

import keras
import tensorflow as tf

BITS = 8


@keras.saving.register_keras_serializable(package="preference")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose rate is rounded to a multiple of 2**-8."""

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Drop elements in training, and scale the others so that the expectation stays."""
        if not training or self.rate == 0 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training)
        return inputs * self.factors(inputs)

    def factors(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return by what training multiplies each element of `inputs`: 0, or 1 / share kept."""
        dropped = min(max(round(self.rate * 2**BITS), 1), 2**BITS - 1)
        scale = tf.constant(1 / (1 - dropped / 2**BITS), inputs.dtype)
        bits = self._random_bits(tf.shape(inputs))
        return tf.where(bits >= dropped, scale, tf.zeros_like(scale))

    def _random_bits(self, shape: tf.Tensor) -> tf.Tensor:
        size = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32
        )
        bits = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
        return tf.reshape(bits[:size], shape)
