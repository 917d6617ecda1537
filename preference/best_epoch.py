"""The epoch that the validation battles choose, and when to stop looking for a better one."""

import keras
import numpy as np

CHOOSE_BY = "val_log_loss"


class BestEpoch(keras.callbacks.Callback):
    """Keep the weights of the epoch with the least `val_log_loss`; stop after some without one.

    What `keras.callbacks.EarlyStopping` does, but what it knows can be written down and given to
    a training that goes on (keras#17012).

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
