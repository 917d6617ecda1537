"""Keras layers of a model that reads both sides of a battle with one backbone.

An axis of the two sides (A first) is folded into the batch before the backbone, and unfolded after
it.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
class FoldSides(keras.layers.Layer):
    """Reshape (batch, 2, length) to (2 * batch, length)."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the sides as rows of the batch."""
        return ops.reshape(inputs, (-1, ops.shape(inputs)[2]))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (None, length)."""
        return (None, input_shape[2])


@keras.saving.register_keras_serializable(package="preference")
class UnfoldSides(keras.layers.Layer):
    """Reshape (2 * batch, hidden) to (batch, 2, hidden)."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return both sides of each battle on an axis of their own."""
        return ops.reshape(inputs, (-1, 2, inputs.shape[-1]))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (None, 2, hidden)."""
        return (None, 2, input_shape[-1])


@keras.saving.register_keras_serializable(package="preference")
class AppendFeatures(keras.layers.Layer):
    """Append the features of each side, (batch, 2, features), to its vector (batch, 2, hidden)."""

    def call(self, inputs: keras.KerasTensor, features: keras.KerasTensor) -> keras.KerasTensor:
        """Return (batch, 2, hidden + features)."""
        return ops.concatenate([inputs, features], axis=-1)

    def compute_output_shape(self, inputs_shape: tuple, features_shape: tuple) -> tuple:
        """Return (batch, 2, hidden + features)."""
        return (*inputs_shape[:-1], inputs_shape[-1] + features_shape[-1])


@keras.saving.register_keras_serializable(package="preference")
class MaskedMean(keras.layers.Layer):
    """Average (rows, length, hidden) over the tokens that `padding_mask` (rows, length) keeps.

    It is computed in float32, because bfloat16 cannot count beyond 256.
    """

    def call(self, inputs: keras.KerasTensor, padding_mask: keras.KerasTensor) -> keras.KerasTensor:
        """Return (rows, hidden)."""
        weights = ops.cast(padding_mask, "float32")[:, :, None]
        total = ops.sum(ops.cast(inputs, "float32") * weights, axis=1)
        return ops.cast(total / ops.sum(weights, axis=1), inputs.dtype)

    def compute_output_shape(self, inputs_shape: tuple, padding_mask_shape: tuple) -> tuple:
        """Return (rows, hidden)."""
        return (inputs_shape[0], inputs_shape[-1])


@keras.saving.register_keras_serializable(package="preference")
class FirstToken(keras.layers.Layer):
    """Take the vector of `[CLS]` from (rows, length, hidden)."""

    def call(self, inputs: keras.KerasTensor, padding_mask: keras.KerasTensor) -> keras.KerasTensor:
        """Return (rows, hidden)."""
        return inputs[:, 0]
