"""Checkpoints of a training: written at each epoch and every few minutes, and read once."""

import sys
import time
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

import keras
import numpy as np

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.training.callbacks import CHOOSE_BY, BestEpoch, LiveMetrics
from preference.training.checkpoint_file import (
    ARRAYS,
    Checkpoint,
    read_checkpoint,
    read_progress,
    write_checkpoint,
)
from preference.training.dataset import Epochs

SECONDS_A_MINUTE = 60


def take_over(path: Path, patience: int, epochs: int) -> BestEpoch:
    """Return what other processes, which have just ended, know of the epochs of their training.

    Raises:
        BadInput: the checkpoint that they left is damaged, or not that of a finished training.
    """
    checkpoint, best = read_checkpoint(path), BestEpoch(patience)
    best.history, best.weights = checkpoint.history, checkpoint.best
    if checkpoint.epoch < epochs and not best.is_over:
        raise BadInput(f"{path} is not of a finished training: run the same command again.")
    return best


def find_checkpoint(path: Path, identity: Mapping[str, str]) -> Checkpoint | None:
    """Return the checkpoint of this very training, where there is one; say so on stderr.

    One of other parameters, data or code is not used, which a message says, too.
    """
    if not path.exists():
        return None
    try:
        progress = read_progress(path)
        other = [name for name in identity if progress.identity.get(name) != identity[name]]
        if other:
            raise BadInput(f"{path} is of a training with other {' and '.join(other)}")
        checkpoint = read_checkpoint(path)
        _check_finite(checkpoint, path)
    except BadInput as error:
        told = f"{error}: it is not used, and the training starts from the beginning."
        print(one_line(told), file=sys.stderr)
        return None
    if checkpoint.finished:
        said = "The training was finished before it was stopped: its model is saved"
    else:
        done = f"{checkpoint.epoch} epochs and {checkpoint.step} steps"
        said = f"The training resumes where it was stopped, after {done}"
    print(one_line(f"{said} ({path})."), file=sys.stderr)
    return checkpoint


class Checkpoints(keras.callbacks.Callback):
    """Write checkpoints of a training, and restore the one with which it resumes.

    Args:
        path: of the file.
        identity: of the training.
        minutes: between two checkpoints within an epoch.
        train: the batches; they begin where `checkpoint` stands.
        live: the metrics that are logged, if any.
        checkpoint: with which the training resumes, if any.
        writes: whether this process writes them; `is_saved` then tells whether the last is there.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, str],
        minutes: float,
        train: Epochs,
        live: LiveMetrics | None = None,
        checkpoint: Checkpoint | None = None,
        writes: bool = True,
    ) -> None:
        super().__init__()
        self.path, self.identity, self.seconds = path, identity, minutes * SECONDS_A_MINUTE
        self.train, self.live, self.checkpoint = train, live, checkpoint
        self.writes, self.is_saved = writes, checkpoint is not None
        self.metrics: list[np.ndarray] = []
        self.written = time.monotonic()

    def restore(self, model: keras.Model, best: BestEpoch, epochs: int) -> None:
        """Bring a compiled model, and what is known of its `epochs`, to where they were.

        Raises:
            BadInput: the checkpoint is not one of this model.
        """
        self.best, self.epochs = best, epochs
        if not self.checkpoint:
            return
        if problem := self._misfit(model):
            raise BadInput(f"{self.path} is damaged: {problem}. Delete it, and run the same again.")
        _assign(_state_of(model), self.checkpoint.state)
        best.history, best.weights = [*self.checkpoint.history], self.checkpoint.best
        if self.live:
            self.live.restore(self.checkpoint.live)
        # All else of it is as large as the model, and no longer needed.
        self.metrics, self.checkpoint = self.checkpoint.metrics, None

    def _misfit(self, model: keras.Model) -> str | None:
        """Return in which way the checkpoint does not belong to the training, where it does not."""
        found = self.checkpoint
        if found.epoch > self.epochs or found.step >= self.train.steps:
            return f"it is at epoch {found.epoch}, step {found.step}"
        if len(found.history) != found.epoch or not all(
            CHOOSE_BY in each for each in found.history
        ):
            return f"it has no losses of {found.epoch} epochs"
        if self.live and not found.live:
            return "it has no logged metrics"
        has_best = any(isfinite(epoch[CHOOSE_BY]) for epoch in found.history)
        expected = {
            "state": _state_of(model),
            "metrics": model.metrics_variables if found.step else [],
            "best": model.weights if has_best else [],
        }
        for name, variables in expected.items():
            if problem := _first_other(variables, getattr(found, name)):
                return f"{name}, {problem}"
        return None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Continue the metrics of an epoch that was under way, which Keras has just reset."""
        self.epoch = epoch
        if self.train.first_step(epoch):
            _assign(self.model.metrics_variables, self.metrics)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Write a checkpoint where the last one is old."""
        step = self.train.first_step(self.epoch) + batch + 1
        if step < self.train.steps and time.monotonic() - self.written >= self.seconds:
            self._write(self.epoch, step)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write a checkpoint."""
        self._write(epoch + 1, 0)

    def _write(self, epoch: int, step: int) -> None:
        if not self.writes:
            return
        checkpoint = Checkpoint(
            identity=self.identity,
            epoch=epoch,
            step=step,
            history=self.best.history,
            live=self.live.state() if self.live else None,
            state=_values(_state_of(self.model)),
            metrics=_values(self.model.metrics_variables) if step else [],
            best=self.best.weights,
            finished=epoch == self.epochs or self.best.is_over,
        )
        try:
            write_checkpoint(checkpoint, self.path)
            self.is_saved = True
        except OSError as error:
            self.is_saved = False
            # The training is worth more than the chance to continue it.
            told = f"No checkpoint could be written: {error}. Training continues."
            print(one_line(told), file=sys.stderr)
        self.written = time.monotonic()


def _state_of(model: keras.Model) -> list[keras.Variable]:
    """Return weights, states of random generators, and all that the optimizer remembers."""
    return [*model.variables, *model.optimizer.variables]


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.asarray(variable.value) for variable in variables]


def _first_other(variables: list[keras.Variable], values: list[np.ndarray]) -> str | None:
    """Say which value is not of its variable's shape and precision, where one is not."""
    if len(variables) != len(values):
        return f"{len(values)} arrays for {len(variables)} variables"
    for variable, value in zip(variables, values, strict=True):
        expected = (tuple(variable.shape), variable.dtype)
        if (value.shape, str(value.dtype)) != expected:
            return (
                f"{variable.path} is {value.dtype} {value.shape}, not {expected[1]} {expected[0]}"
            )
    return None


def _check_finite(checkpoint: Checkpoint, path: Path) -> None:
    """Check that no number is NaN or infinite.

    A training that diverged is repeated from its beginning, and comes to the same.
    """
    for name in ARRAYS:
        for number, array in enumerate(getattr(checkpoint, name)):
            if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
                raise BadInput(f"{path} holds NaN or infinity in {name}/{number}")


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
