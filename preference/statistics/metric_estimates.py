"""The headline metrics of a model, with intervals that cover the noise of battles and training."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import label_codes, to_shares
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.metrics import (
    LARGEST_LOG_LOSS,
    flips,
    is_right,
    one_hot,
    row_log_loss,
    swap_difference,
)
from preference.statistics.training_noise import StandardError, add_noise

# The largest possible value of each metric; the smallest is 0.
UPPER_BOUNDS = {
    "log_loss": LARGEST_LOG_LOSS,
    "accuracy": 1.0,
    "f1_macro": 1.0,
    "flip_rate": 1.0,
    "swap_difference": 2 / 3,
}


def estimate_metrics(
    labels: np.ndarray,
    runs: Sequence[Predictions],
    bootstrap: GroupBootstrap,
    errors: Mapping[str, StandardError | None] = MappingProxyType({}),
) -> dict[str, Estimate]:
    """Return the metrics of `UPPER_BOUNDS`, means over training runs.

    Args:
        labels: int [n], or shares, float64 [n, 3].
        runs: the predictions of each training run, of the n battles.
        bootstrap: over the groups of the n battles, with their weights.
        errors: the noise of training in the mean of each metric, as far as there is any.
    """
    resampled = [resample_metrics(labels, predictions, bootstrap) for predictions in runs]
    return {
        name: estimate_mean(
            [metrics[name] for metrics in resampled], bootstrap, bound, errors.get(name)
        )
        for name, bound in UPPER_BOUNDS.items()
    }


def estimate_log_loss(
    labels: np.ndarray,
    runs: Sequence[Predictions],
    bootstrap: GroupBootstrap,
    error: StandardError | None = None,
) -> Estimate:
    """Return the log loss, mean over training runs."""
    losses = [bootstrap.means(row_log_loss(labels, run.probabilities)) for run in runs]
    return estimate_mean(losses, bootstrap, LARGEST_LOG_LOSS, error)


def estimate_mean(
    runs: Sequence[np.ndarray],
    bootstrap: GroupBootstrap,
    upper_bound: float,
    error: StandardError | None = None,
    members: np.ndarray | None = None,
) -> Estimate:
    """Return the mean of a metric over training runs, with its interval.

    The t distribution of few runs is wide, so that bounds are clipped to possible values.

    Args:
        runs: the metric of each run on the battles and on each resample, [1 + resamples] each.
        bootstrap: over the groups of the n battles.
        upper_bound: the largest possible value; the smallest is 0.
        error: the noise of training in the mean; None where it is unknown.
        members: the battles that the metric is computed on, bool [n]; None for all.
    """
    means = add_noise(np.mean(runs, axis=0), error, bootstrap.random)
    return bootstrap.interval(np.clip(means, 0.0, upper_bound), members)


def resampled_f1_macro(counts: np.ndarray) -> np.ndarray:
    """Return macro F1, [...], of confusion counts [..., c, c] with a row for each actual label.

    The F1 of a label that neither occurs nor is predicted is 0.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    both = counts.sum(axis=-1) + counts.sum(axis=-2)
    return (2 * hits / np.where(both > 0, both, 1)).mean(axis=-1)


def resample_metrics(
    labels: np.ndarray, predictions: Predictions, bootstrap: GroupBootstrap
) -> dict[str, np.ndarray]:
    """Return each metric on the battles themselves, then on each resample: [1 + resamples]."""
    probabilities, swapped = predictions.probabilities, predictions.swapped
    predicted = probabilities.argmax(axis=1)
    counts = one_hot(label_codes(labels))[:, :, None] * one_hot(predicted)[:, None, :]
    # A label that no battle can have, as a tie where no source has ties, is no class.
    possible = probabilities.any(axis=0) | to_shares(labels).any(axis=0)
    counts = counts[:, possible][:, :, possible]
    return {
        "log_loss": bootstrap.means(row_log_loss(labels, probabilities)),
        "accuracy": bootstrap.means(is_right(labels, probabilities)),
        "f1_macro": resampled_f1_macro(bootstrap.totals(counts)),
        "flip_rate": bootstrap.means(flips(probabilities, swapped)),
        "swap_difference": bootstrap.means(swap_difference(probabilities, swapped)),
    }
