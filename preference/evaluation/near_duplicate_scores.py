"""Log loss without the test battles whose prompt is nearly that of a battle in train."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.slices import Slice, score_slices
from preference.statistics.cluster_bootstrap import GroupBootstrap


def score_without_near_duplicates(
    near_duplicate: np.ndarray,
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """Return how many battles have a near duplicate in train, and each model's log loss without.

    The log loss is None where none has one, so that it is that of all battles, and where all have.

    Args:
        near_duplicate: of the n battles, bool [n].
        labels: int [n].
        models: the trainings of each.
        bootstrap: of the n battles.
    """
    rows = int(near_duplicate.sum())
    log_loss = None
    if 0 < rows < len(labels):
        others = Slice("near duplicate in train", "no", ~near_duplicate)
        (scores,) = score_slices([others], labels, models, bootstrap)
        log_loss = {name: figures["log_loss"] for name, figures in scores["models"].items()}
    return {"rows": rows, "rate": rows / len(labels), "log_loss_without": log_loss}
