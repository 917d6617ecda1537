"""Files for the plots of dvc.yaml, and the battles with the largest log loss."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import read_labels
from preference.battles.table import FIELDS, LABELS
from preference.runtime.atomic_write import write_text
from preference.runtime.strict_json import to_json
from preference.statistics.metrics import row_log_loss

HARDEST = 10
# Follows the name of a model, so that a terminal has room for every column of `dvc exp show`.
NOISE = "±"


def log_losses_with_noise(
    headline: Mapping[str, Mapping[str, float | None]],
) -> dict[str, float | None]:
    """Return the metrics that DVC compares: of each model the log loss, and its noise after it."""
    metrics = {}
    for name, values in headline.items():
        metrics[name] = values["log_loss"]
        if values.get("log_loss_noise") is not None:
            metrics[f"{name}{NOISE}"] = values["log_loss_noise"]
    return metrics


def write_plots(
    predictions: Mapping[str, Predictions],
    labels: np.ndarray,
    log_losses: Mapping[str, float],
    folder: Path,
) -> None:
    """Write confusion/<model>.csv, a row for each battle, and log_loss.csv with all models."""
    for name, prediction in predictions.items():
        predicted = prediction.probabilities.argmax(axis=1)
        rows = [(LABELS[a], LABELS[p]) for a, p in zip(labels, predicted, strict=True)]
        _write_csv(folder / "confusion" / f"{name}.csv", ("actual", "predicted"), rows)
    rounded = [(name, round(log_loss, 6)) for name, log_loss in log_losses.items()]
    _write_csv(folder / "log_loss.csv", ("model", "log_loss"), rounded)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_hardest(battles: pa.Table, probabilities: np.ndarray, path: Path) -> None:
    """Write the `HARDEST` battles with the largest log loss as JSON, worst first.

    Args:
        battles: `id`, `source_id`, `FIELDS` and labels of n battles.
        probabilities: float64 [n, 3].
    """
    losses = row_log_loss(read_labels(battles), probabilities)
    worst = np.argsort(-losses, kind="stable")[:HARDEST]
    rows = battles.select(["id", *FIELDS, "label"]).take(worst).to_pylist()
    given = battles["source_id"].take(worst).to_pylist()
    hardest = [
        {
            **row,
            "id": _shown_id(row["id"], source_id),
            "label": LABELS[row["label"]],
            "probabilities": probabilities[number].tolist(),
            "log_loss": float(losses[number]),
        }
        for row, source_id, number in zip(rows, given, worst, strict=True)
    ]
    write_text(to_json(hardest, indent=2), path)


def _shown_id(key: int, source_id: str | None) -> int | str:
    """Return the id as the source has it, or the key of a battle without one."""
    return key if source_id in (None, str(key)) else source_id
