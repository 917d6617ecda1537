"""The log loss and accuracy of all models on each slice of the test battles.

A slice with fewer than `FEWEST_ROWS` battles or `FEWEST_GROUPS` groups is marked as too small to
judge a model by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.slices import Slice
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import UPPER_BOUNDS, estimate_mean
from preference.statistics.metrics import row_log_loss

FEWEST_ROWS = 100
FEWEST_GROUPS = 50


def score_slices(
    slices: Sequence[Slice],
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
) -> list[dict[str, Any]]:
    """Return the size of each slice, and the log loss and accuracy of all models on it.

    Args:
        slices: of the n battles.
        labels: int [n].
        models: the predictions of each training run, by model.
        bootstrap: over the groups of the n battles.
    """
    columns = {name: _columns(labels, runs) for name, runs in models.items()}
    return [_score(one, columns, bootstrap) for one in slices]


def is_few(rows: int, groups: int) -> bool:
    """Return whether a slice is too small to judge a model by."""
    return rows < FEWEST_ROWS or groups < FEWEST_GROUPS


def _columns(labels: np.ndarray, runs: Sequence[Predictions]) -> np.ndarray:
    """Return the log loss of each battle, and whether the prediction is right: [n, seeds, 2]."""
    by_run = [
        (row_log_loss(labels, run.probabilities), run.probabilities.argmax(axis=1) == labels)
        for run in runs
    ]
    return np.array(by_run).transpose(2, 0, 1)


def _score(
    one: Slice, columns: Mapping[str, np.ndarray], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    rows = int(one.members.sum())
    groups = len(np.unique(bootstrap.groups[one.members]))
    return {
        "slice": one.slice,
        "part": one.part,
        "rows": rows,
        "groups": groups,
        "few": is_few(rows, groups) or not bootstrap.has_enough_groups(one.members),
        "models": {
            name: _estimates(values, one.members, bootstrap) for name, values in columns.items()
        },
    }


def _estimates(
    values: np.ndarray, members: np.ndarray, bootstrap: GroupBootstrap
) -> dict[str, dict[str, float | None]]:
    totals = bootstrap.totals(values * members[:, None, None])
    counts = bootstrap.totals(members)
    # A resample may have no battle of a small slice, which gives 0 / 0.
    with np.errstate(invalid="ignore"):
        means = totals / counts[:, None, None]
    return {
        name: asdict(
            estimate_mean(list(means[:, :, column].T), bootstrap, UPPER_BOUNDS[name], members)
        )
        for column, name in enumerate(("log_loss", "accuracy"))
    }
