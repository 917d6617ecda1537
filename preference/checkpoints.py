"""Checkpoints of a training: written at each epoch and every few minutes, and read once."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from preference.best_epoch import BestEpoch
from preference.checkpoint_file import Checkpoint, read_checkpoint, write_checkpoint
from preference.errors import BadInput
from preference.examples import Epochs
from preference.terminal_text import one_line
from preference.training_progress import LiveMetrics

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

    One of other parameters, data or code is not used, and is told of too.
    """
    if not path.exists():
        return None
    try:
        checkpoint = read_checkpoint(path)
    except BadInput as error:
        print(one_line(f"{error}: the training starts anew."), file=sys.stderr)
        return None
    other = [name for name in identity if checkpoint.identity.get(name) != identity[name]]
    if other:
        print(
            one_line(
                f"{path} is of a training with other {' and '.join(other)}: it is not used, and "
                "the training starts anew."
            ),
            file=sys.stderr,
        )
        return None
    if checkpoint.finished:
        said = "The training was finished before it was stopped: its model is saved"
    else:
        done = f"{checkpoint.epoch} epochs and {checkpoint.step} steps"
        said = f"The training goes on where it was stopped, after {done}"
    print(one_line(f"{said} ({path})."), file=sys.stderr)
    return checkpoint


class Checkpoints(keras.callbacks.Callback):
    """Write checkpoints of a training, and restore the one with which it goes on.

    Args:
        path: of the file.
        identity: of the training.
        minutes: between two checkpoints within an epoch.
        train: the batches; they begin where `checkpoint` stands.
        live: the metrics that are logged, if any.
        checkpoint: with which the training goes on, if any.
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
        """Bring a compiled model, and what is known of its `epochs`, to where they were."""
        self.best, self.epochs = best, epochs
        if not self.checkpoint:
            return
        _assign(_state_of(model), self.checkpoint.state)
        best.history, best.weights = [*self.checkpoint.history], self.checkpoint.best
        if self.live:
            self.live.restore(self.checkpoint.live)
        # All else of it is as large as the model, and no longer needed.
        self.metrics, self.checkpoint = self.checkpoint.metrics, None

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
            told = f"No checkpoint could be written: {error}. Training goes on."
            print(one_line(told), file=sys.stderr)
        self.written = time.monotonic()


def _state_of(model: keras.Model) -> list[keras.Variable]:
    """Return weights, states of random generators, and all that the optimizer remembers."""
    return [*model.variables, *model.optimizer.variables]


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.asarray(variable.value) for variable in variables]


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
