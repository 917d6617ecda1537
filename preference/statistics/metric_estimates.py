"""The headline figures of a model, with intervals that hold the noise of battles and of seeds."""

from collections.abc import Sequence

import numpy as np

from preference.battles.predictions import Predictions
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.metrics import (
    LARGEST_LOG_LOSS,
    flips,
    one_hot,
    row_log_loss,
    swap_difference,
)
from preference.statistics.seed_variance import mean_over_seeds

# None of these figures can be less than 0 or more than this.
LARGEST = {
    "log_loss": LARGEST_LOG_LOSS,
    "accuracy": 1.0,
    "f1_macro": 1.0,
    "flip_rate": 1.0,
    "swap_difference": 2 / 3,
}


def estimate_figures(
    labels: np.ndarray, trainings: Sequence[Predictions], bootstrap: GroupBootstrap
) -> dict[str, Estimate]:
    """Return log loss, accuracy, macro F1, flip rate and swap difference, means over trainings.

    Args:
        labels: int [n].
        trainings: one a seed, of the n battles.
        bootstrap: of the n battles.
    """
    figures = [_resample(labels, predictions, bootstrap) for predictions in trainings]
    return {
        name: estimate_mean([training[name] for training in figures], bootstrap, LARGEST[name])
        for name in figures[0]
    }


def estimate_log_loss(
    labels: np.ndarray, trainings: Sequence[Predictions], bootstrap: GroupBootstrap
) -> Estimate:
    """Return the log loss, mean over trainings."""
    losses = [row_log_loss(labels, one.probabilities) for one in trainings]
    return estimate_mean([bootstrap.means(rows) for rows in losses], bootstrap, LARGEST["log_loss"])


def estimate_mean(
    figures: Sequence[np.ndarray],
    bootstrap: GroupBootstrap,
    largest: float,
    members: np.ndarray | None = None,
) -> Estimate:
    """Return the mean over trainings of a figure and its resamples, [1 + resamples] each.

    The noise of few seeds is wide: bounds are cut at 0 and at `largest`, which the figure cannot
    exceed. `members`, bool [n], are the battles that it is of; None for all.
    """
    means = mean_over_seeds(np.stack(figures), bootstrap.random)
    return bootstrap.interval(np.clip(means, 0.0, largest), members)


def resampled_f1_macro(counts: np.ndarray) -> np.ndarray:
    """Return macro F1 of confusion counts [..., 3, 3], row the actual label: [...].

    A label that neither occurs nor is predicted scores zero.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    both = counts.sum(axis=-1) + counts.sum(axis=-2)
    return (2 * hits / np.where(both > 0, both, 1)).mean(axis=-1)


def _resample(
    labels: np.ndarray, predictions: Predictions, bootstrap: GroupBootstrap
) -> dict[str, np.ndarray]:
    probabilities, swapped = predictions.probabilities, predictions.swapped
    predicted = probabilities.argmax(axis=1)
    counts = one_hot(labels)[:, :, None] * one_hot(predicted)[:, None, :]
    return {
        "log_loss": bootstrap.means(row_log_loss(labels, probabilities)),
        "accuracy": bootstrap.means(predicted == labels),
        "f1_macro": resampled_f1_macro(bootstrap.totals(counts)),
        "flip_rate": bootstrap.means(flips(probabilities, swapped)),
        "swap_difference": bootstrap.means(swap_difference(probabilities, swapped)),
    }
