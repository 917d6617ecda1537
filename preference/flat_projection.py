"""A projection to or from several axes as one matrix product over all rows of a batch."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="preference")
class FlatProjection(keras.layers.EinsumDense):
    """`keras.layers.EinsumDense` from the last axis to one or more new last axes.

    With the same weights. The stock layer's gradient makes a product for each row of the batch,
    and sums them.
    """

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Project (batch, length, inputs) to (batch, length, *outputs)."""
        features, *outputs = self.kernel.shape
        rows = ops.reshape(inputs, (-1, features))
        projected = ops.matmul(rows, ops.reshape(self.kernel, (features, math.prod(outputs))))
        projected = ops.add(projected, ops.reshape(self.bias, (-1,)))
        return ops.reshape(projected, (*ops.shape(inputs)[:-1], *outputs))
