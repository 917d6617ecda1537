"""What the report is made of: the metrics files and the battles that were hardest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preference.report.cost import BLEND
from preference.report.learning_curves import Curve, read_curve
from preference.runtime.errors import check_exists
from preference.runtime.strict_json import read_json

CURVES = {"valid": "eval", "train": "train"}


@dataclass(frozen=True)
class ReportInputs:
    """The content of the files; `training` and `curves` are of each trained arm.

    `curves` are of "valid" and of "train".
    """

    details: Mapping[str, Any]
    data: Mapping[str, Any]
    split: Mapping[str, Any]
    training: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Mapping[str, Curve]]
    hardest: Sequence[Mapping[str, Any]]


def read_report_inputs(metrics: Path, hardest: Path) -> ReportInputs:
    """Read the files below `metrics`, and the file of the hardest battles.

    Raises:
        BadInput: a file does not exist; the message names the stage that makes it.
    """
    details = read_json(metrics / "evaluation_details.json", "evaluate")
    trained = [name for name in details["arms"] if name != BLEND]
    return ReportInputs(
        details=details,
        data=read_json(metrics / "data.json", "fetch"),
        split=read_json(metrics / "split.json", "split"),
        training={
            name: read_json(metrics / "train" / name / "metrics.json", f"train_{name}")
            for name in trained
        },
        curves={
            split: {name: _read_curve(metrics, name, folder) for name in trained}
            for split, folder in CURVES.items()
        },
        hardest=read_json(hardest, "evaluate"),
    )


def _read_curve(metrics: Path, name: str, folder: str) -> Curve:
    path = metrics / "train" / name / "plots" / "metrics" / folder / "log_loss.tsv"
    check_exists(path, f"train_{name}")
    return read_curve(path)
