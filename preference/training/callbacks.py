"""What a user sees of a training: a progress bar, and metrics by step in dvclive."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
from dvclive import Live
from tqdm import tqdm

from preference.runtime.atomic_write import write_text
from preference.training.dataset import Epochs

CHOOSE_BY = "val_log_loss"


class BestEpoch(keras.callbacks.Callback):
    """Keep the weights of the epoch with the least `val_log_loss`; stop after some without one.

    What `keras.callbacks.EarlyStopping` does, but what it knows can be written down and given to
    a training that resumes (keras#17012).

    Args:
        patience: epochs without a better one, after which the training stops.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.history: list[dict[str, float]] = []
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compare the epoch with the best one."""
        self.history.append({name: float(value) for name, value in logs.items()})
        if self.epoch == len(self.history) - 1:
            self.weights = self.model.get_weights()
        self.model.stop_training = self.is_over

    @property
    def epoch(self) -> int | None:
        """The best epoch, counted from 0; None where none has a finite log loss."""
        losses = [epoch[CHOOSE_BY] for epoch in self.history]
        return int(np.nanargmin(losses)) if np.isfinite(losses).any() else None

    @property
    def is_over(self) -> bool:
        """Whether the patience is over."""
        return len(self.history) - 1 - (self.epoch or 0) >= self.patience


LOG_EVERY_STEPS = 10


class ProgressBar(keras.callbacks.Callback):
    """Show epoch, battles per second, time left and losses of the whole training.

    Args:
        name: of the experiment.
        train: the batches that the bar counts.
        epochs: how often all battles are visited.
    """

    def __init__(self, name: str, train: Epochs, epochs: int) -> None:
        super().__init__()
        self.name, self.train, self.epochs = name, train, epochs

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open the bar."""
        total = len(self.train.examples.rows) * self.epochs
        self.bar = tqdm(total=total, desc=self.name, unit=" battles", mininterval=1.0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Name the epoch, and show what was done before."""
        self.first, self.done = self.train.first_step(epoch), self.train.battles_done(epoch)
        self.before = len(self.train.examples.rows) * epoch
        if self.bar.n == 0:
            # Before this run, and so no part of its speed.
            self.bar.reset(self.bar.total)
            self.bar.initial = self.before + (int(self.done[self.first - 1]) if self.first else 0)
            self.bar.n = self.bar.last_print_n = self.bar.initial
        self.bar.set_description(f"{self.name}, epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Advance by a batch's share of the epoch."""
        step = self.first + batch
        self.bar.set_postfix(step=f"{step + 1}/{self.train.steps}", refresh=False)
        self.bar.update(self.before + int(self.done[step]) - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's losses above the bar."""
        self.bar.write(
            f"{self.name}, epoch {epoch + 1}/{self.epochs}: "
            f"train log loss {logs['log_loss']:.4f}, valid log loss {logs['val_log_loss']:.4f}, "
            f"valid accuracy {logs['val_accuracy']:.3f}"
        )

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the bar."""
        self.bar.close()


class LiveMetrics(keras.callbacks.Callback):
    """Log to dvclive by optimizer step, so that experiments share one axis.

    `train/log_loss` is the mean over the battles of up to `LOG_EVERY_STEPS` last steps of an epoch;
    the `eval` metrics come once an epoch.
    """

    def __init__(self, live: Live, train: Epochs) -> None:
        super().__init__()
        self.live, self.train = live, train
        self.logged_battles, self.logged_sum = 0, 0.0

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs: also the text of the files that have been written."""
        files = {
            path.relative_to(self.live.dir).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(Path(self.live.plots_dir).rglob("*.tsv"))
        }
        logged = [self.logged_battles, self.logged_sum]
        return {"step": self.live.step, "logged": logged, "files": files}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another process was when it called `state`."""
        self.live.step = state["step"]
        self.logged_battles, self.logged_sum = state["logged"]
        for name, text in state["files"].items():
            write_text(text, Path(self.live.dir) / name)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember the step at which the epoch starts, from which Keras averages its metrics."""
        self.before, self.done = epoch * self.train.steps, self.train.battles_done(epoch)
        self.first = self.train.first_step(epoch)
        if not self.first:
            self.logged_battles, self.logged_sum = 0, 0.0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Log the training metrics at some steps."""
        steps = self.first + batch + 1
        self.live.step = self.before + steps
        if steps % LOG_EVERY_STEPS == 0 or steps == self.train.steps:
            battles = int(self.done[steps - 1])
            total = logs["log_loss"] * battles
            recent = (total - self.logged_sum) / (battles - self.logged_battles)
            self._log("train/log_loss", recent)
            self.logged_battles, self.logged_sum = battles, total

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Log the metrics of the validation battles."""
        self.live.log_metric("epoch", epoch + 1, plot=False)
        for metric in ("log_loss", "accuracy"):
            self._log(f"eval/{metric}", logs[f"val_{metric}"])
        self.live.make_summary()

    def _log(self, metric: str, value: float) -> None:
        # JSON has no NaN. That a training diverges is told by the progress bar, and at its end.
        if math.isfinite(value):
            self.live.log_metric(metric, value)
