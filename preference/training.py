"""Train one experiment with Keras `fit`, and keep the epoch with the best validation log loss."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from preference.batches import (
    Batch,
    make_inputs,
    one_hot,
    packed_lengths,
    sorted_batches,
    training_batches,
)
from preference.errors import BadInput
from preference.optimizers import build_optimizer
from preference.packing import Packing
from preference.params import TrainParams
from preference.tokens import Tokens

CHOOSE_BY = "val_log_loss"
PREFETCHED_BATCHES = 4


@dataclass(frozen=True)
class Examples:
    """Battles to learn from or to choose by: `rows` of the tokens, and `labels`, both [battles]."""

    rows: np.ndarray
    labels: np.ndarray


def train_model(
    model: keras.Model,
    tokens: Tokens,
    train: Examples,
    valid: Examples,
    packing: Packing,
    params: TrainParams,
    seed: int,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, float]:
    """Fit `model` in place; afterwards it has the weights of the epoch that `valid` chose.

    The loss has label smoothing; `log_loss`, by which the epoch is chosen, has none.

    Returns: `best_epoch`, counted from 1, and its `valid_log_loss` and `valid_accuracy`.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    steps_per_epoch = steps_in_epoch(len(train.rows), params.batch_size)
    _compile(model, params, steps_per_epoch * params.epochs)
    history = model.fit(
        _stream(
            lambda: training_batches(
                tokens, train.rows, train.labels, packing, params.batch_size, seed
            ),
            tf.data.INFINITE_CARDINALITY,
        ),
        steps_per_epoch=steps_per_epoch,
        epochs=params.epochs,
        validation_data=_stream(
            lambda: _validation_batches(tokens, valid, packing, params.batch_size),
            steps_in_epoch(len(valid.rows), params.batch_size),
        ),
        callbacks=[
            *callbacks,
            keras.callbacks.EarlyStopping(
                CHOOSE_BY, mode="min", patience=params.patience, restore_best_weights=True
            ),
        ],
        shuffle=False,
        verbose=0,
    ).history
    if not np.isfinite(history[CHOOSE_BY]).any():
        raise BadInput("the training diverged: lower train.learning_rate in params.yaml.")
    best = int(np.nanargmin(history[CHOOSE_BY]))
    return {
        "best_epoch": best + 1,
        "valid_log_loss": history[CHOOSE_BY][best],
        "valid_accuracy": history["val_accuracy"][best],
    }


def steps_in_epoch(battles: int, batch_size: int) -> int:
    """Return how many batches visit every battle once."""
    return math.ceil(battles / batch_size)


def _compile(model: keras.Model, params: TrainParams, steps: int) -> None:
    model.compile(
        optimizer=build_optimizer(params, steps),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=params.label_smoothing
        ),
        metrics=[
            keras.metrics.CategoricalCrossentropy(name="log_loss", from_logits=True),
            keras.metrics.CategoricalAccuracy(name="accuracy"),
        ],
        jit_compile=False,
    )
    # Else `fit` traces the train step twice: once to make the optimizer's variables.
    model.optimizer.build(model.trainable_variables)


def _validation_batches(
    tokens: Tokens, valid: Examples, packing: Packing, batch_size: int
) -> Iterator[Batch]:
    lengths = packed_lengths(tokens, valid.rows, packing)
    for batch in sorted_batches(lengths, batch_size):
        yield make_inputs(tokens, valid.rows[batch], packing), one_hot(valid.labels[batch])


def _stream(batches: Callable[[], Iterator[Batch]], number: int) -> tf.data.Dataset:
    """Make the next batches while the model works on this one."""
    sides = tf.TensorSpec((None, 2, None), tf.int32)
    signature = ({"token_ids": sides, "padding_mask": sides}, tf.TensorSpec((None, 3), tf.float32))
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    cardinality = tf.data.experimental.assert_cardinality(number)
    return dataset.apply(cardinality).prefetch(PREFETCHED_BATCHES)
