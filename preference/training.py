"""Train one experiment with Keras `fit`, and keep the epoch with the best validation log loss."""

from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from preference.determinism import make_deterministic
from preference.errors import BadInput
from preference.examples import Epochs, Examples, validation_stream
from preference.optimizers import build_optimizer
from preference.params import TrainParams

CHOOSE_BY = "val_log_loss"


def train_model(
    model: keras.Model,
    train: Epochs,
    valid: Examples,
    params: TrainParams,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, float]:
    """Fit `model` in place; afterwards it has the weights of the epoch that `valid` chose.

    The same model, data and parameters give the same weights, to the last bit. The loss has label
    smoothing; `log_loss`, by which the epoch is chosen, has none.

    Returns: `best_epoch`, counted from 1, its `valid_log_loss` and `valid_accuracy`, and how many
        `epochs` there were.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    _compile(model, params, train.steps * params.epochs)
    # Not before: Keras would silently compile without XLA. The kernels are the same either way.
    make_deterministic()
    history = model.fit(
        train.stream(),
        steps_per_epoch=train.steps,
        epochs=params.epochs,
        validation_data=validation_stream(valid, params.tokens_per_batch),
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
        "epochs": len(history[CHOOSE_BY]),
        "best_epoch": best + 1,
        "valid_log_loss": history[CHOOSE_BY][best],
        "valid_accuracy": history["val_accuracy"][best],
    }


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
        jit_compile=compiles_with_xla(params.jit),
    )
    # Else `fit` traces the train step twice: once to make the optimizer's variables.
    model.optimizer.build(model.trainable_variables)


def compiles_with_xla(jit: bool | Literal["auto"]) -> bool:
    """Return whether to compile the train step: `auto` does on a GPU.

    On a CPU XLA compiles for some seconds a width, and its matrix products are the slower ones.
    """
    return bool(tf.config.list_physical_devices("GPU")) if jit == "auto" else jit
