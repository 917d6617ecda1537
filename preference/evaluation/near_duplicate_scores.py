"""Log loss without the test battles whose prompt is nearly that of a battle in train."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from preference.battles.predictions import Predictions
from preference.evaluation.model_noise import ModelNoise
from preference.evaluation.slice_scores import score_slices
from preference.evaluation.slices import Slice
from preference.statistics.cluster_bootstrap import GroupBootstrap


def score_without_near_duplicates(
    near_duplicate: np.ndarray,
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
    noise: ModelNoise,
) -> dict[str, Any]:
    """Return the number of near duplicates, and the log loss of each model on all other battles.

    There is no log loss, None, where no battle has a near duplicate in train, and where all have.

    Args:
        near_duplicate: whether train has a battle with nearly the same prompt, bool [n].
        labels: int [n], or shares, float64 [n, 3].
        models: the predictions of each training run, by model.
        bootstrap: over the groups of the n battles.
        noise: that of training.
    """
    rows = int(near_duplicate.sum())
    log_loss = None
    if 0 < rows < len(labels):
        others = Slice("near duplicate in train", "no", ~near_duplicate)
        (scores,) = score_slices([others], labels, models, bootstrap, noise)
        log_loss = {name: metrics["log_loss"] for name, metrics in scores["models"].items()}
    return {"rows": rows, "rate": rows / len(labels), "log_loss_without": log_loss}
