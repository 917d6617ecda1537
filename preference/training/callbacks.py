"""What a user sees of a training run: a progress bar, and metrics by step in dvclive."""

import math
from collections.abc import Mapping
from pathlib import Path

import keras
from dvclive import Live
from tqdm import tqdm

from preference.runtime.atomic_write import write_text
from preference.training.checkpoint_file import LoggedMetrics
from preference.training.dataset import BatchSampler

LOG_EVERY_STEPS = 10


class ProgressBar(keras.callbacks.Callback):
    """Show epoch, battles per second, time left and losses of a training run.

    Args:
        name: of the experiment.
        train: the batches that the bar counts.
        epochs: number of epochs.
    """

    def __init__(self, name: str, train: BatchSampler, epochs: int) -> None:
        super().__init__()
        self.name, self.train, self.epochs = name, train, epochs

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open the bar."""
        total = len(self.train.battles.rows) * self.epochs
        self.bar = tqdm(total=total, desc=self.name, unit=" battles", mininterval=1.0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Show the epoch, and the progress of a run that resumes."""
        self.first, self.done = self.train.first_step(epoch), self.train.battles_done(epoch)
        self.before = len(self.train.battles.rows) * epoch
        if self.bar.n == 0:
            # tqdm leaves `initial` out of the speed: an earlier process did that part.
            self.bar.reset(self.bar.total)
            self.bar.initial = self.before + (int(self.done[self.first - 1]) if self.first else 0)
            self.bar.n = self.bar.last_print_n = self.bar.initial
        self.bar.set_description(f"{self.name}, epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Advance by the battles of a batch."""
        step = self.first + batch
        self.bar.set_postfix(step=f"{step + 1}/{self.train.steps}", refresh=False)
        self.bar.update(self.before + int(self.done[step]) - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
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

    `train/log_loss` is the mean over the battles, weighted where they have weights, since it was
    last logged: `LOG_EVERY_STEPS` steps, or fewer at the end of an epoch. The `eval` metrics are
    logged once per epoch.

    Args:
        live: where metrics are logged.
        train: the batches of the run.
    """

    def __init__(self, live: Live, train: BatchSampler) -> None:
        super().__init__()
        self.live, self.train = live, train
        self.logged_weight, self.logged_sum = 0.0, 0.0

    def state(self) -> LoggedMetrics:
        """Return what `restore` needs, including the text of the files that dvclive has written."""
        files = {
            path.relative_to(self.live.dir).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(Path(self.live.plots_dir).rglob("*.tsv"))
        }
        logged = (self.logged_weight, self.logged_sum)
        return {"step": self.live.step, "logged": logged, "files": files}

    def restore(self, state: LoggedMetrics) -> None:
        """Resume where another process was when it called `state`."""
        self.live.step = state["step"]
        self.logged_weight, self.logged_sum = state["logged"]
        for name, text in state["files"].items():
            write_text(text, Path(self.live.dir) / name)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember where the epoch starts: Keras averages its metrics from there."""
        self.before, self.done = epoch * self.train.steps, self.train.weights_done(epoch)
        self.first = self.train.first_step(epoch)
        if not self.first:
            self.logged_weight, self.logged_sum = 0.0, 0.0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Log the training loss every `LOG_EVERY_STEPS` steps, and at the end of an epoch."""
        steps = self.first + batch + 1
        self.live.step = self.before + steps
        if steps % LOG_EVERY_STEPS == 0 or steps == self.train.steps:
            weight = float(self.done[steps - 1])
            total = logs["log_loss"] * weight
            recent = (total - self.logged_sum) / (weight - self.logged_weight)
            self._log("train/log_loss", recent)
            self.logged_weight, self.logged_sum = weight, total

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Log the validation metrics."""
        self.live.log_metric("epoch", epoch + 1, plot=False)
        for metric in ("log_loss", "accuracy"):
            self._log(f"eval/{metric}", logs[f"val_{metric}"])
        self.live.make_summary()

    def _log(self, metric: str, value: float) -> None:
        # JSON has no NaN. `train_model` reports a training run that diverged.
        if math.isfinite(value):
            self.live.log_metric(metric, value)
