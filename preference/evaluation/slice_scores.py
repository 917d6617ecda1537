"""The log loss and accuracy of all models on each slice of the test battles.

A slice with fewer than `FEWEST_ROWS` battles or `FEWEST_GROUPS` groups is marked as too small to
judge a model by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.model_noise import ModelNoise
from preference.evaluation.slices import Slice
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import UPPER_BOUNDS, estimate_mean
from preference.statistics.metrics import is_right, row_log_loss

FEWEST_ROWS = 100
FEWEST_GROUPS = 50
METRICS = ("log_loss", "accuracy")


def score_slices(
    slices: Sequence[Slice],
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> list[dict[str, Any]]:
    """Return the size of each slice, and the log loss and accuracy of all models on it.

    Args:
        slices: of the n battles.
        labels: int [n], or shares, float64 [n, 3].
        models: the predictions of each training run, by model.
        bootstrap: over the groups of the n battles.
        noise: that of training.
    """
    columns = {name: _columns(labels, runs) for name, runs in models.items()}
    return [_score(one, columns, bootstrap, noise) for one in slices]


def is_few(rows: int, groups: int) -> bool:
    """Return whether a slice is too small to judge a model by."""
    return rows < FEWEST_ROWS or groups < FEWEST_GROUPS


def _columns(labels: np.ndarray, runs: Sequence[Predictions]) -> np.ndarray:
    """Return the log loss of each battle, and whether the prediction is right: [n, seeds, 2]."""
    by_run = [
        (row_log_loss(labels, run.probabilities), is_right(labels, run.probabilities))
        for run in runs
    ]
    return np.array(by_run).transpose(2, 0, 1)


def _score(
    one: Slice, columns: Mapping[str, np.ndarray], bootstrap: GroupBootstrap, noise: ModelNoise
) -> dict[str, Any]:
    rows = int(one.members.sum())
    groups = len(np.unique(bootstrap.groups[one.members]))
    means = {name: _means(values, one.members, bootstrap) for name, values in columns.items()}
    deviations = [
        noise.pool({name: values[0, :, metric] for name, values in means.items()})
        for metric in range(len(METRICS))
    ]
    return {
        "slice": one.slice,
        "part": one.part,
        "rows": rows,
        "groups": groups,
        "few": is_few(rows, groups) or not bootstrap.has_enough_groups(one.members),
        "models": {
            name: {
                metric: asdict(
                    estimate_mean(
                        list(values[:, :, number].T),
                        bootstrap,
                        UPPER_BOUNDS[metric],
                        noise.of_model(name, deviations[number]),
                        one.members,
                    )
                )
                for number, metric in enumerate(METRICS)
            }
            for name, values in means.items()
        },
    }


def _means(values: np.ndarray, members: np.ndarray, bootstrap: GroupBootstrap) -> np.ndarray:
    """Return each run's metrics on the slice and on its resamples: [1 + resamples, runs, 2]."""
    totals = bootstrap.totals(values * members[:, None, None])
    counts = bootstrap.totals(members)
    # A resample may have no battle of a small slice, which gives 0 / 0.
    with np.errstate(invalid="ignore"):
        return totals / counts[:, None, None]
