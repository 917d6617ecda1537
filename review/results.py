"""What a side of the comparison found on test, read from a revision or from the workspace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dvc.api import DVCFileSystem
from dvc.utils.serialize import parse_yaml
from dvc_data.index import DataIndexError

from preference.battles.predictions import check_probabilities
from preference.battles.table import BATTLES, LABELS
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import parse_json
from preference.statistics.metrics import row_log_loss
from review.revision import Revision

FIGURES = "metrics/evaluate.json"
TEST = "data/split/test.parquet"
SCORED = "data/scored/test"
LOCK = "dvc.lock"


@dataclass(frozen=True)
class Side:
    """`name` is for people; `files` holds those of git and of DVC."""

    name: str
    files: DVCFileSystem


class NotInCache(Exception):
    """DVC cannot find a file, neither in the workspace nor in its cache nor in a remote."""

    def __init__(self, side: Side, path: str) -> None:
        super().__init__(f"{path} of {side.name}")
        self.path, self.side = path, side.name


@dataclass(frozen=True)
class Battles:
    """`ids`, `labels` and `groups` are int [n], in the order of the test split."""

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def open_side(name: str, folder: Path, revision: Revision | None = None) -> Side:
    """Return the files of a revision, or of the workspace where none is given."""
    return Side(name, DVCFileSystem(str(folder), rev=revision and revision.commit))


def read_figures(side: Side) -> Mapping[str, Mapping[str, float]]:
    """Return `metrics/evaluate.json`: the headline figures of each model.

    Raises:
        BadInput: the side has none, or the file is damaged.
    """
    try:
        return parse_json(_read_tracked(side, FIGURES))
    except ValueError as error:
        raise BadInput(f"{FIGURES} of {side.name} is damaged ({error}): make it again.") from error


def read_test_hashes(side: Side) -> dict[str, str]:
    """Return the hash of each file that the test battles were read from, as dvc.lock has it.

    Raises:
        BadInput: the side has no dvc.lock, or it has no stage `evaluate`.
    """
    stages = parse_yaml(_read_tracked(side, LOCK), LOCK)["stages"]
    if "evaluate" not in stages:
        raise BadInput(f"{side.name} never ran the stage evaluate: see its dvc.lock.")
    return {
        dependency["path"]: dependency["md5"]
        for dependency in stages["evaluate"]["deps"]
        if dependency["path"] in (str(BATTLES), TEST)
    }


def read_test_battles(side: Side) -> Battles:
    """Return the test battles without their texts.

    Raises:
        NotInCache: they cannot be had.
    """
    members = _read_table(side, TEST, ["id", "group"])
    battles = _read_table(side, str(BATTLES), ["id", "label"])
    rows = pc.index_in(members["id"], value_set=battles["id"])
    return Battles(
        ids=members["id"].to_numpy(),
        labels=battles["label"].take(rows).to_numpy(),
        groups=members["group"].to_numpy(),
    )


def read_row_losses(side: Side, models: Collection[str], battles: Battles) -> dict[str, np.ndarray]:
    """Return the row log losses of each model that predicted the battles: float64 [trainings, n].

    Raises:
        NotInCache: they cannot be had.
        BadInput: the predictions are of other battles, or are not probabilities.
    """
    files = _list_files(side, SCORED)
    of_model = {name: [file for file in files if _model_of(file) == name] for name in models}
    return {
        name: np.stack([_read_losses(side, file, battles) for file in own])
        for name, own in of_model.items()
        if own
    }


def _model_of(file: str) -> str:
    """Return the model of `<model>.parquet`, or of a run's `<model>/seed-<seed>.parquet`."""
    return PurePosixPath(file.partition(f"{SCORED}/")[2]).with_suffix("").parts[0]


def _read_losses(side: Side, file: str, battles: Battles) -> np.ndarray:
    columns = [f"p_{label}" for label in LABELS]
    predictions = _read_table(side, file, ["id", *columns])
    if not np.array_equal(predictions["id"], battles.ids):
        raise BadInput(
            f"{file} of {side.name}: its battles are not those of {TEST}. Run dvc repro evaluate."
        )
    probabilities = np.column_stack([predictions[column] for column in columns])
    check_probabilities(f"{file} of {side.name}", probabilities)
    return row_log_loss(battles.labels, probabilities)


def _read_tracked(side: Side, path: str) -> bytes:
    try:
        return side.files.read_bytes(path)
    except FileNotFoundError as error:
        raise BadInput(
            f"{side.name} has no {path}, so it has no results to compare. Run dvc repro there and "
            "commit what it writes, or reproduce both sides with a small profile: "
            "make pr-report PROFILE=small BASE=…"
        ) from error


def _list_files(side: Side, path: str) -> list[str]:
    try:
        return sorted(side.files.find(path))
    except (FileNotFoundError, DataIndexError) as error:
        raise NotInCache(side, path) from error


def _read_table(side: Side, path: str, columns: list[str]) -> pa.Table:
    try:
        with side.files.open(path, "rb") as file:
            return pq.read_table(file, columns=columns)
    except (FileNotFoundError, DataIndexError) as error:
        raise NotInCache(side, path) from error
