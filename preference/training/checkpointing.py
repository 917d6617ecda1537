"""Write checkpoints of a training run at each epoch and every few minutes, and resume from one."""

import sys
import time
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

import keras
import numpy as np

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.training.best_epoch import CHOOSE_BY, BestEpoch
from preference.training.callbacks import LiveMetrics
from preference.training.checkpoint_file import (
    ARRAYS,
    Checkpoint,
    read_checkpoint,
    read_progress,
    write_checkpoint,
)
from preference.training.dataset import BatchSampler

SECONDS_A_MINUTE = 60


def load_finished_run(path: Path, patience: int, epochs: int) -> BestEpoch:
    """Return the epochs of a training run that other processes have finished.

    Raises:
        BadInput: the checkpoint of the run is damaged, or the run is not finished.
    """
    checkpoint, best = read_checkpoint(path), BestEpoch(patience)
    best.history, best.weights = checkpoint.history, checkpoint.best
    if checkpoint.epoch < epochs and not best.is_over:
        raise BadInput(f"{path}: its training run is not finished. Run the same command again.")
    return best


def find_checkpoint(path: Path, identity: Mapping[str, str]) -> Checkpoint | None:
    """Return the checkpoint at `path` if it is undamaged and has this identity.

    A message on stderr says whether a checkpoint is used, and why not.
    """
    if not path.exists():
        return None
    try:
        progress = read_progress(path)
        other = [name for name in identity if progress.identity.get(name) != identity[name]]
        if other:
            raise BadInput(f"{path} is of a training run with other {' and '.join(other)}")
        checkpoint = read_checkpoint(path)
        _check_finite(checkpoint, path)
    except BadInput as error:
        message = f"{error}: it is not used, and the training starts from the beginning."
        print(one_line(message), file=sys.stderr)
        return None
    if checkpoint.finished:
        message = "The training was finished before it was stopped: its model is saved"
    else:
        done = f"{checkpoint.epoch} epochs and {checkpoint.step} steps"
        message = f"The training resumes where it was stopped, after {done}"
    print(one_line(f"{message} ({path})."), file=sys.stderr)
    return checkpoint


class Checkpoints(keras.callbacks.Callback):
    """Write the checkpoints of a training run, and restore the one from which it resumes.

    `is_saved` says whether the last checkpoint could be written.

    Args:
        path: of the file.
        identity: what `preference.training.fingerprint` returns for the run.
        minutes: between two checkpoints within an epoch.
        train: the batches; they begin at the step of `checkpoint`.
        live: the logged metrics, if any.
        checkpoint: the one from which the run resumes, if any.
        writes: whether this process writes checkpoints.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, str],
        minutes: float,
        train: BatchSampler,
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
        """Restore the state of a compiled model, of the best epoch and of the logged metrics.

        Args:
            model: its variables are assigned in place.
            best: its history and weights are replaced.
            epochs: of the whole run.

        Raises:
            BadInput: the checkpoint does not fit the model or the run.
        """
        self.best, self.epochs = best, epochs
        found = self.checkpoint
        if not found:
            return
        if problem := self._misfit(model, found):
            raise BadInput(f"{self.path} is damaged: {problem}. Delete it, and run the same again.")
        _assign(_state_of(model), found.state)
        best.history, best.weights = [*found.history], found.best
        if self.live and found.live:
            self.live.restore(found.live)
        self.metrics = found.metrics
        # The other arrays are as large as the model, and no longer needed.
        self.checkpoint = None

    def _misfit(self, model: keras.Model, found: Checkpoint) -> str | None:
        """Return why a checkpoint cannot be one of this run; None if it can."""
        if found.epoch > self.epochs or found.step >= self.train.steps:
            return f"it is at epoch {found.epoch}, step {found.step}"
        if len(found.history) != found.epoch:
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
        """Restore the metrics of an unfinished epoch, which Keras has just reset."""
        self.epoch = epoch
        if self.train.first_step(epoch):
            _assign(self.model.metrics_variables, self.metrics)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Write a checkpoint if the last one is older than `minutes`."""
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
            # Losing the chance to resume is better than losing the run.
            message = f"No checkpoint could be written: {error}. Training continues."
            print(one_line(message), file=sys.stderr)
        self.written = time.monotonic()


def _state_of(model: keras.Model) -> list[keras.Variable]:
    """Return the weights, the states of random generators and the optimizer's variables."""
    return [*model.variables, *model.optimizer.variables]


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.asarray(variable.value) for variable in variables]


def _first_other(variables: list[keras.Variable], values: list[np.ndarray]) -> str | None:
    """Return which value differs from its variable in shape or precision; None if none does."""
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

    A run that diverged is repeated from its beginning, and diverges again.
    """
    for name in ARRAYS:
        for number, array in enumerate(getattr(checkpoint, name)):
            if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
                raise BadInput(f"{path} holds NaN or infinity in {name}/{number}")


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
