"""Train one experiment with Keras `fit`, and keep the epoch with the best validation log loss."""

from collections.abc import Iterator
from dataclasses import replace

import keras

from preference.config.params import TrainParams
from preference.runtime.errors import BadInput
from preference.runtime.tensorflow_runtime import keep_freed_memory, make_deterministic
from preference.training.callbacks import CHOOSE_BY, BestEpoch
from preference.training.checkpointing import Checkpoints
from preference.training.dataset import Epochs, Examples, validation_stream
from preference.training.training_step import compile_step

# Nats. Equal probabilities of the three labels cost 1.1.
DIVERGED = 1000.0


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
    training was killed and resumes from a checkpoint. The loss has label smoothing; `log_loss`, by
    which the epoch is chosen, has none.

    Returns: `best_epoch`, counted from 1, its `valid_log_loss` and `valid_accuracy`, and how many
        `epochs` there were.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    keep_freed_memory()
    steps = train.steps * params.epochs
    # With a shard, some rows do not count, which their weights say.
    compile_step(model, params, steps, weighted=train.shard is not None)
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
        BadInput: no epoch has a log loss up to `DIVERGED`.
    """
    if best.epoch is None or best.history[best.epoch][CHOOSE_BY] > DIVERGED:
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
