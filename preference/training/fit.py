"""Train a model with Keras `fit`, and keep the epoch with the lowest validation log loss."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypedDict

import keras

from preference.config.model_params import TrainParams
from preference.runtime.errors import BadInput
from preference.runtime.tensorflow_runtime import keep_freed_memory, make_deterministic
from preference.training.best_epoch import ACCURACY, CHOOSE_BY, BestEpoch
from preference.training.checkpointing import Checkpoints
from preference.training.dataset import BatchSampler, LabelledBattles, validation_stream
from preference.training.training_step import compile_step
from preference.training.weight_average import JudgeAverage

# In nats; equal probabilities of the three labels have a log loss of 1.1.
DIVERGED = 1000.0


class FitResult(TypedDict):
    """The number of epochs, and the best of them, counted from 1, with its metrics on valid."""

    epochs: int
    best_epoch: int
    valid_log_loss: float
    valid_accuracy: float


def train_model(
    model: keras.Model,
    train: BatchSampler,
    valid: LabelledBattles,
    params: TrainParams,
    callbacks: list[keras.callbacks.Callback],
    checkpoints: Checkpoints | None = None,
) -> FitResult:
    """Fit `model` in place; afterwards it has the weights of the best epoch on `valid`.

    With `weight_average`, these are averages; see `preference.training.weight_average`.

    The same model, data and parameters give the same weights, to the last bit, also where the
    training was killed and resumes from a checkpoint. The loss has label smoothing; `log_loss`, by
    which the epoch is chosen, has none. Both leave out ties where a battle cannot be one.

    Args:
        model: as `build_model` makes it.
        train: the batches of every epoch.
        valid: the battles that choose the epoch.
        params: of the training.
        callbacks: called before those of this function.
        checkpoints: where the run is saved and resumes; None to do neither.

    Raises:
        BadInput: no epoch has a finite log loss.
    """
    keep_freed_memory()
    steps = train.steps * params.epochs
    masked = train.battles.lacks_ties or valid.lacks_ties
    compile_step(model, params, steps, weighted=train.is_weighted, masked=masked)
    # Called before the model is compiled, this would make Keras leave out XLA silently. The kernels
    # are the same either way.
    make_deterministic()
    validation = validation_stream(valid, params.tokens_per_batch, train.shard)
    best = BestEpoch(params.patience)
    callbacks = [*callbacks, best]
    if params.weight_average is not None:
        callbacks.append(JudgeAverage())
    if checkpoints:
        # Keras creates the metrics' variables when they are first used.
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


def choose_best(model: keras.Model, best: BestEpoch) -> FitResult:
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
        "valid_accuracy": best.history[best.epoch][ACCURACY],
    }


def _parts(train: BatchSampler, epochs: int) -> Iterator[tuple[BatchSampler, int]]:
    """Yield the batches of each call of `fit`, and the epoch before which it ends.

    The rest of an unfinished epoch needs a call of its own, because `fit` has one number of steps
    for all epochs.
    """
    if train.begin_step:
        yield train, train.begin_epoch + 1
        train = replace(train, begin_epoch=train.begin_epoch + 1, begin_step=0)
    if train.begin_epoch < epochs:
        yield train, epochs
