"""The epoch with the lowest validation log loss, and early stopping."""

from collections.abc import Mapping

import keras
import numpy as np

CHOOSE_BY, ACCURACY = "val_log_loss", "val_accuracy"


def check_epoch(metrics: Mapping[str, float]) -> Mapping[str, float]:
    """Return the metrics of an epoch, if they can be what `BestEpoch` keeps.

    The log loss of an epoch that diverged may be NaN or infinite.

    Raises:
        ValueError: they cannot.
    """
    if missing := {CHOOSE_BY, ACCURACY} - set(metrics):
        raise ValueError(f"{min(missing)} is missing")
    if metrics[CHOOSE_BY] < 0 or not 0 <= metrics[ACCURACY] <= 1:
        raise ValueError(f"{CHOOSE_BY} is {metrics[CHOOSE_BY]}, {ACCURACY} {metrics[ACCURACY]}")
    return metrics


class BestEpoch(keras.callbacks.Callback):
    """Keep the weights of the epoch with the lowest `val_log_loss`, and stop early.

    As `keras.callbacks.EarlyStopping`, but its state can be saved and given to a training run that
    resumes (keras#17012).

    Args:
        patience: epochs without improvement after which training stops.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.history: list[dict[str, float]] = []
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Compare the epoch with the best one."""
        self.history.append({name: float(value) for name, value in logs.items()})
        if self.epoch == len(self.history) - 1:
            self.weights = self.model.get_weights()
        self.model.stop_training = self.is_over

    @property
    def epoch(self) -> int | None:
        """The best epoch, counted from 0; None where no epoch has a finite log loss."""
        losses = [epoch[CHOOSE_BY] for epoch in self.history]
        return int(np.nanargmin(losses)) if np.isfinite(losses).any() else None

    @property
    def is_over(self) -> bool:
        """Whether training stops early."""
        return len(self.history) - 1 - (self.epoch or 0) >= self.patience
