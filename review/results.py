"""Read the results of a version on test: of a revision, or of the workspace."""

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

METRICS = "metrics/evaluate.json"
TEST = "data/split/test.parquet"
SCORED = "data/scored/test"
LOCK = "dvc.lock"


@dataclass(frozen=True)
class Version:
    """One of the two versions that are compared.

    `name` is shown to the reader; `files` has the files of git and of DVC.
    """

    name: str
    files: DVCFileSystem


class NotInCache(Exception):
    """A file that is neither in the workspace nor in the cache of DVC nor in a remote."""

    def __init__(self, version: Version, path: str) -> None:
        super().__init__(f"{path} of {version.name}")
        self.path, self.version = path, version.name


@dataclass(frozen=True)
class Battles:
    """`ids`, `labels` and `groups` are int [n], in the order of the test split."""

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def open_version(name: str, folder: Path, revision: Revision | None = None) -> Version:
    """Return the files of a revision, or of the workspace where none is given."""
    return Version(name, DVCFileSystem(str(folder), rev=revision and revision.commit))


def read_metrics(version: Version) -> Mapping[str, Mapping[str, float]]:
    """Return `metrics/evaluate.json`: the headline metrics of each model.

    Raises:
        BadInput: the version has none, or the file is damaged.
    """
    try:
        return parse_json(_read_tracked(version, METRICS))
    except ValueError as error:
        raise BadInput(
            f"{METRICS} of {version.name} is damaged ({error}): make it again."
        ) from error


def read_test_hashes(version: Version) -> dict[str, str]:
    """Return the hash of each file that the test battles were read from, as dvc.lock has it.

    Raises:
        BadInput: the version has no dvc.lock, or it has no stage `evaluate`.
    """
    stages = parse_yaml(_read_tracked(version, LOCK), LOCK)["stages"]
    if "evaluate" not in stages:
        raise BadInput(f"{version.name} never ran the stage evaluate: see its dvc.lock.")
    return {
        dependency["path"]: dependency["md5"]
        for dependency in stages["evaluate"]["deps"]
        if dependency["path"] in (str(BATTLES), TEST)
    }


def read_test_battles(version: Version) -> Battles:
    """Return the test battles without their texts.

    Raises:
        NotInCache: a file is neither in the workspace nor in the cache nor in a remote.
    """
    members = _read_table(version, TEST, ["id", "group"])
    battles = _read_table(version, str(BATTLES), ["id", "label"])
    rows = pc.index_in(members["id"], value_set=battles["id"])
    return Battles(
        ids=members["id"].to_numpy(),
        labels=battles["label"].take(rows).to_numpy(),
        groups=members["group"].to_numpy(),
    )


def read_row_losses(
    version: Version, models: Collection[str], battles: Battles
) -> dict[str, np.ndarray]:
    """Return the row log losses of each model that predicted the battles: float64 [seeds, n].

    Raises:
        NotInCache: a file is neither in the workspace nor in the cache nor in a remote.
        BadInput: the predictions are of other battles, or are not probabilities.
    """
    files = _list_files(version, SCORED)
    of_model = {name: [file for file in files if _model_of(file) == name] for name in models}
    return {
        name: np.stack([_read_losses(version, file, battles) for file in own])
        for name, own in of_model.items()
        if own
    }


def _model_of(file: str) -> str:
    """Return the model of a file, which is <model>.parquet or <model>/seed-<seed>.parquet."""
    return PurePosixPath(file.partition(f"{SCORED}/")[2]).with_suffix("").parts[0]


def _read_losses(version: Version, file: str, battles: Battles) -> np.ndarray:
    columns = [f"p_{label}" for label in LABELS]
    predictions = _read_table(version, file, ["id", *columns])
    if not np.array_equal(predictions["id"], battles.ids):
        raise BadInput(
            f"{file} of {version.name}: its battles are not those of {TEST}. Run dvc repro "
            "evaluate."
        )
    probabilities = np.column_stack([predictions[column] for column in columns])
    check_probabilities(f"{file} of {version.name}", probabilities)
    return row_log_loss(battles.labels, probabilities)


def _read_tracked(version: Version, path: str) -> bytes:
    try:
        return version.files.read_bytes(path)
    except FileNotFoundError as error:
        raise BadInput(
            f"{version.name} has no {path}, so it has no results to compare. Run dvc repro there "
            "and commit what it writes, or reproduce both versions with a small profile: "
            "make pr-report PROFILE=small BASE=…"
        ) from error


def _list_files(version: Version, path: str) -> list[str]:
    try:
        return sorted(version.files.find(path))
    except (FileNotFoundError, DataIndexError) as error:
        raise NotInCache(version, path) from error


def _read_table(version: Version, path: str, columns: list[str]) -> pa.Table:
    try:
        with version.files.open(path, "rb") as file:
            return pq.read_table(file, columns=columns)
    except (FileNotFoundError, DataIndexError) as error:
        raise NotInCache(version, path) from error
