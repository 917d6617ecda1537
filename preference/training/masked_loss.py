"""Loss and metrics of battles, some of which cannot have every label.

Where the share of a label is negative, the battle cannot have that label: its logit is left out of
the softmax, so that it has no influence on the loss and no gradient. Where none is, these are
Keras's `CategoricalCrossentropy` and `CategoricalAccuracy`.
"""

import keras
from keras import ops

# A logit with the probability 0, as a number that can be multiplied by 0.
NO_CHANCE = -1e9


class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy over the labels that a battle can have.

    Args:
        label_smoothing: the part of the target that is divided equally among these labels.
        reduction: as in `keras.losses.Loss`.
    """

    def __init__(self, label_smoothing: float, reduction: str) -> None:
        super().__init__(name="masked_crossentropy", reduction=reduction)
        self.label_smoothing = label_smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss of each battle, (batch,), from labels and logits (batch, 3)."""
        return masked_crossentropy(y_true, y_pred, self.label_smoothing)


def masked_crossentropy(
    labels: keras.KerasTensor, logits: keras.KerasTensor, label_smoothing: float = 0.0
) -> keras.KerasTensor:
    """Return the cross-entropy of each battle, (batch,), from labels and logits (batch, 3)."""
    labels, masked = _mask(labels, logits)
    possible = ops.cast(labels >= 0, masked.dtype)
    smoothed = label_smoothing / ops.sum(possible, axis=-1, keepdims=True)
    targets = possible * (labels * (1 - label_smoothing) + smoothed)
    return -ops.sum(targets * ops.log_softmax(masked, axis=-1), axis=-1)


def masked_accuracy(labels: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return 1 where the most probable possible label is the actual one, else 0: (batch,)."""
    labels, masked = _mask(labels, logits)
    return ops.cast(ops.argmax(masked, axis=-1) == ops.argmax(labels, axis=-1), masked.dtype)


def masked_metrics() -> list[keras.metrics.Metric]:
    """Return the metrics `log_loss` and `accuracy`."""
    return [
        keras.metrics.MeanMetricWrapper(masked_crossentropy, name="log_loss"),
        keras.metrics.MeanMetricWrapper(masked_accuracy, name="accuracy"),
    ]


def _mask(
    labels: keras.KerasTensor, logits: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return float32 labels, and logits of which the impossible ones are `NO_CHANCE`."""
    labels, logits = ops.cast(labels, "float32"), ops.cast(logits, "float32")
    return labels, ops.where(labels < 0, NO_CHANCE, logits)
