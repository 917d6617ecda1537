"""Read the results of a version on test: of a revision, or of the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.api import DVCFileSystem
from dvc.utils.serialize import parse_yaml

from checks.review.revision import Revision
from preference.battles.table import BATTLES
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import parse_json

METRICS = "metrics/evaluate.json"
# The metrics that DVC compares.
LOG_LOSSES = "metrics/log_loss.json"
DETAILS = "metrics/evaluation_details.json"
TEST = "data/split/test.parquet"
LOCK = "dvc.lock"


@dataclass(frozen=True)
class Version:
    """One of the two versions that are compared.

    `name` is shown to the reader; `files` has the files of git and of DVC.
    """

    name: str
    files: DVCFileSystem


def open_version(name: str, folder: Path, revision: Revision | None = None) -> Version:
    """Return the files of a revision, or of the workspace where none is given."""
    return Version(name, DVCFileSystem(str(folder), rev=revision and revision.commit))


def read_metrics(version: Version) -> Mapping[str, Mapping[str, float | None]]:
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


def read_processors(version: Version) -> Mapping[str, str]:
    """Return the processor that each experiment was trained on, where the version records it."""
    return _read_details(version).get("processors", {})


def read_test_digest(version: Version) -> str | None:
    """Return the digest of the test battles, where the version records it."""
    return _read_details(version).get("test_battles")


def _read_details(version: Version) -> Mapping[str, Any]:
    try:
        return parse_json(version.files.read_bytes(DETAILS))
    except (FileNotFoundError, ValueError):
        return {}


def _read_tracked(version: Version, path: str) -> bytes:
    try:
        return version.files.read_bytes(path)
    except FileNotFoundError as error:
        raise BadInput(
            f"{version.name} has no {path}, so it has no results to compare. Run dvc repro there "
            "and commit what it writes, or reproduce both versions with a small profile: "
            "make pr-report PROFILE=small BASE=…"
        ) from error
