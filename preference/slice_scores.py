"""Log loss and accuracy of every model on parts of the test battles."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from preference.group_bootstrap import GroupBootstrap
from preference.metrics import row_log_loss
from preference.predictions import Predictions
from preference.resampled_metrics import LARGEST, estimate_mean
from preference.slices import Slice, is_few


def score_slices(
    slices: Sequence[Slice],
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
) -> list[dict[str, Any]]:
    """Return for each part its size and every model's figures, with intervals.

    Args:
        slices: of the n battles.
        labels: int [n].
        models: the trainings of each.
        bootstrap: of the n battles.
    """
    columns = {name: _columns(labels, trainings) for name, trainings in models.items()}
    return [_score(one, columns, bootstrap) for one in slices]


def _columns(labels: np.ndarray, trainings: Sequence[Predictions]) -> np.ndarray:
    """Return the loss and the hit of each battle: [n, seeds, 2]."""
    figures = [
        (row_log_loss(labels, one.probabilities), one.probabilities.argmax(axis=1) == labels)
        for one in trainings
    ]
    return np.array(figures).transpose(2, 0, 1)


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
    # A resample may have no battle of a small part.
    with np.errstate(invalid="ignore"):
        means = totals / counts[:, None, None]
    return {
        name: asdict(estimate_mean(list(means[:, :, number].T), bootstrap, LARGEST[name], members))
        for number, name in enumerate(("log_loss", "accuracy"))
    }
