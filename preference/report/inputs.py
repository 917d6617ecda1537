"""Read what the report shows: metrics files, learning curves and the hardest battles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preference.report.cost import BLEND, TrainingMetrics
from preference.report.learning_curves import Curve, read_curve
from preference.runtime.errors import BadInput, check_exists
from preference.runtime.strict_json import read_json

# Where dvclive writes the log loss of each split.
CURVES = {"valid": "eval", "train": "train"}


@dataclass(frozen=True)
class ReportInputs:
    """The content of the files.

    `importance` is by group of dense features, `reference_battles` has the battles of train and
    those that the references are fitted to, `training` is by experiment, `curves` by split ("valid"
    and "train") and then by experiment.
    """

    details: Mapping[str, Any]
    data: Mapping[str, Any]
    split: Mapping[str, Any]
    importance: Mapping[str, float]
    reference_battles: Mapping[str, float]
    training: TrainingMetrics
    curves: Mapping[str, Mapping[str, Curve]]
    hardest: Sequence[Mapping[str, Any]]
    leaderboard: Mapping[str, Any]


def read_report_inputs(metrics: Path, hardest: Path) -> ReportInputs:
    """Read the files below `metrics`, and the file of the hardest battles.

    Raises:
        BadInput: a file does not exist; the message names the stage that makes it.
    """
    details = read_json(metrics / "evaluation_details.json", "evaluate")
    training = read_training_metrics(metrics, details)
    reference = _read_reference(metrics / "reference.json")
    return ReportInputs(
        details=details,
        data=read_json(metrics / "data.json", "fetch"),
        split=read_json(metrics / "split.json", "split"),
        importance=reference["features"]["importance"],
        reference_battles=reference["train"],
        training=training,
        curves={
            split: {name: _read_curve(metrics, name, folder) for name in training}
            for split, folder in CURVES.items()
        },
        hardest=read_json(hardest, "evaluate"),
        leaderboard=read_json(metrics / "leaderboard.json", "leaderboard"),
    )


def read_training_metrics(metrics: Path, details: Mapping[str, Any]) -> TrainingMetrics:
    """Read what was measured while each experiment was trained.

    Args:
        metrics: the folder of all metrics files.
        details: the content of `metrics/evaluation_details.json`.

    Raises:
        BadInput: a file does not exist; the message names the stage that makes it.
    """
    return {
        name: read_json(metrics / "train" / name / "metrics.json", f"train_{name}")
        for name in details["experiments"]
        if name != BLEND
    }


def _read_reference(path: Path) -> Mapping[str, Any]:
    metrics = read_json(path, "train_reference")
    if "importance" not in metrics.get("features", {}) or "train" not in metrics:
        raise BadInput(f"{path} is of older code: run `dvc repro train_reference`.")
    return metrics


def _read_curve(metrics: Path, name: str, folder: str) -> Curve:
    path = metrics / "train" / name / "plots" / "metrics" / folder / "log_loss.tsv"
    check_exists(path, f"train_{name}")
    return read_curve(path)
