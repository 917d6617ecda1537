"""Predictions of one model on one split: a Parquet file, one row a battle.

`swapped` holds the probabilities when the two answers are shown in the other order, mapped back
to the original names: a model that does not care about the order has `swapped == probabilities`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.battles import LABELS


@dataclass(frozen=True)
class Predictions:
    """`ids` is int64 [n]; `probabilities` and `swapped` are float64 [n, 3], in `LABELS` order."""

    ids: np.ndarray
    probabilities: np.ndarray
    swapped: np.ndarray


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write columns `id`, `p_<label>` and `swapped_p_<label>`."""
    columns = {"id": predictions.ids}
    for index, label in enumerate(LABELS):
        columns[f"p_{label}"] = predictions.probabilities[:, index]
        columns[f"swapped_p_{label}"] = predictions.swapped[:, index]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
