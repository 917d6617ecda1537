"""The battles that a model gets most wrong, with their texts, for a person to read."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.atomic_output import write_text
from preference.battles import LABELS, SEGMENTS
from preference.metrics import row_log_loss
from preference.strict_json import to_json

SHOWN = 10


def write_hardest(battles: pa.Table, probabilities: np.ndarray, path: Path) -> None:
    """Write the `SHOWN` battles with the largest log loss as JSON, worst first.

    Args:
        battles: `id`, `label` and `SEGMENTS` of n battles.
        probabilities: float64 [n, 3].
    """
    losses = row_log_loss(battles["label"].to_numpy(), probabilities)
    worst = np.argsort(-losses, kind="stable")[:SHOWN]
    rows = battles.select(["id", *SEGMENTS, "label"]).take(worst).to_pylist()
    hardest = [
        {
            **row,
            "label": LABELS[row["label"]],
            "probabilities": probabilities[number].tolist(),
            "log_loss": float(losses[number]),
        }
        for row, number in zip(rows, worst, strict=True)
    ]
    write_text(to_json(hardest, indent=2), path)
