"""Train one experiment with Keras `fit`, and keep the epoch with the best validation log loss."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import keras
import tensorflow as tf

from preference.best_epoch import CHOOSE_BY, BestEpoch
from preference.checkpoints import Checkpoints
from preference.determinism import make_deterministic
from preference.errors import BadInput
from preference.examples import Epochs, Examples, validation_stream
from preference.memory_allocation import keep_freed_memory
from preference.optimizers import build_optimizer
from preference.params import TrainParams


def train_model(
    model: keras.Model,
    train: Epochs,
    valid: Examples,
    params: TrainParams,
    callbacks: list[keras.callbacks.Callback],
    checkpoints: Checkpoints | None = None,
) -> dict[str, float]:
    """Fit `model` in place; afterwards it has the weights of the epoch that `valid` chose.

    The same model, data and parameters give the same weights, to the last bit, also where the
    training was killed and goes on with a checkpoint. The loss has label smoothing; `log_loss`, by
    which the epoch is chosen, has none.

    Returns: `best_epoch`, counted from 1, its `valid_log_loss` and `valid_accuracy`, and how many
        `epochs` there were.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    keep_freed_memory()
    _compile(model, params, train)
    # Not before: Keras would silently compile without XLA. The kernels are the same either way.
    make_deterministic()
    validation = validation_stream(valid, params.tokens_per_batch, train.shard)
    best = BestEpoch(params.patience)
    callbacks = [*callbacks, best]
    if checkpoints:
        # Keras makes the variables of the metrics when they are first needed.
        model.evaluate(validation.take(1), verbose=0)
        checkpoints.restore(model, best, params.epochs)
        callbacks.append(checkpoints)
    for part, epochs in _parts(train, params.epochs):
        if best.is_over:
            break
        model.fit(
            part.stream(),
            steps_per_epoch=part.steps - part.begin_step,
            initial_epoch=part.begin_epoch,
            epochs=epochs,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    return choose_best(model, best)


def choose_best(model: keras.Model, best: BestEpoch) -> dict[str, float]:
    """Give `model` the weights of the best epoch, and return what `train_model` returns.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    if best.epoch is None:
        raise BadInput("the training diverged: lower train.learning_rate in params.yaml.")
    model.set_weights(best.weights)
    return {
        "epochs": len(best.history),
        "best_epoch": best.epoch + 1,
        "valid_log_loss": best.history[best.epoch][CHOOSE_BY],
        "valid_accuracy": best.history[best.epoch]["val_accuracy"],
    }


def _parts(train: Epochs, epochs: int) -> Iterator[tuple[Epochs, int]]:
    """Yield batches, and the number of epochs after which they end.

    What is left of an epoch is a part of its own, for `fit` has one number of steps for all epochs.
    """
    if train.begin_step:
        yield train, train.begin_epoch + 1
        train = replace(train, begin_epoch=train.begin_epoch + 1, begin_step=0)
    if train.begin_epoch < epochs:
        yield train, epochs


def _compile(model: keras.Model, params: TrainParams, train: Epochs) -> None:
    metrics = [
        keras.metrics.CategoricalCrossentropy(name="log_loss", from_logits=True),
        keras.metrics.CategoricalAccuracy(name="accuracy"),
    ]
    model.compile(
        optimizer=build_optimizer(params, train.steps * params.epochs),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True,
            label_smoothing=params.label_smoothing,
            reduction="sum" if train.shard else "sum_over_batch_size",
        ),
        # With a shard, some rows do not count, which their weights say.
        **{"weighted_metrics" if train.shard else "metrics": metrics},
        jit_compile=compiles_with_xla(params.jit),
    )
    # Else `fit` traces the train step twice: once to make the optimizer's variables.
    model.optimizer.build(model.trainable_variables)


def compiles_with_xla(jit: bool | Literal["auto"]) -> bool:
    """Return whether to compile the train step: `auto` does on a GPU, and on JAX.

    With TensorFlow on a CPU XLA compiles for some seconds a width, and its matrix products are the
    slower ones.
    """
    if jit != "auto":
        return jit
    return keras.backend.backend() == "jax" or bool(tf.config.list_physical_devices("GPU"))
