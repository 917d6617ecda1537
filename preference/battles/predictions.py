"""Predictions of one model on one split: a Parquet file, one row a battle.

`swapped` holds the probabilities when the two answers are shown in the other order, mapped back
to the original names: a model that does not care about the order has `swapped == probabilities`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.battles.table import LABELS
from preference.runtime.errors import BadInput

# How far from 1 it may bring the sum of three probabilities.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Predictions:
    """`ids` is int64 [n]; `probabilities` and `swapped` are float64 [n, 3], in `LABELS` order."""

    ids: np.ndarray
    probabilities: np.ndarray
    swapped: np.ndarray


def map_probabilities(
    predictions: Predictions, change: Callable[[np.ndarray], np.ndarray]
) -> Predictions:
    """Return the predictions with `change`, from [n, 3] to [n, 3], applied to both orders."""
    changed = change(predictions.probabilities), change(predictions.swapped)
    return Predictions(predictions.ids, *changed)


def average_both_orders(predictions: Predictions) -> Predictions:
    """Return the mean of both orders of the answers, which then agree."""
    mean = (predictions.probabilities + predictions.swapped) / 2
    return Predictions(predictions.ids, mean, swapped=mean)


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write columns `id`, `p_<label>` and `swapped_p_<label>`."""
    columns = {"id": predictions.ids}
    for index, label in enumerate(LABELS):
        columns[f"p_{label}"] = predictions.probabilities[:, index]
        columns[f"swapped_p_{label}"] = predictions.swapped[:, index]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def check_predictions(name: str, predictions: Predictions, ids: np.ndarray) -> None:
    """Check that predictions are probabilities of the battles `ids`, int64 [n], in order.

    Raises:
        BadInput: they are not.
    """
    if not np.array_equal(predictions.ids, ids):
        raise BadInput(f"{name}: its predictions are not those of the split's battles, in order.")
    for probabilities in (predictions.probabilities, predictions.swapped):
        check_probabilities(name, probabilities)


def check_probabilities(name: str, probabilities: np.ndarray) -> None:
    """Check that what the model `name` predicts, [n, 3], are probabilities.

    Raises:
        BadInput: it is not.
    """
    if not are_probabilities(probabilities):
        raise BadInput(
            f"{name}: some of its predictions are not probabilities. If the model was copied, copy "
            "it again; if its training diverged, lower train.learning_rate and train it again."
        )


def are_probabilities(rows: np.ndarray) -> bool:
    """Say whether each row of [n, 3] has no number below 0, and the sum 1."""
    # Not `any(abs(...) > ...)`: a model that diverged predicts NaN, and must not pass.
    return bool(np.all(rows >= 0) and np.all(np.abs(rows.sum(axis=1) - 1) <= ROUNDING))
