"""One file with all that a training needs to go on.

Guarantees
1. The file is whole or not there, as `preference.runtime.atomic_write` says.
2. Reading it runs no code: arrays and JSON, no pickle. It takes no more memory than the file has
   bytes, and nothing that it holds is of another type than what was written.
"""

import json
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import check_file
from preference.runtime.partial_folder import remove_leftovers

METADATA = "metadata"
# From 0.
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Args:
        identity: of what it belongs to, as `preference.training.fingerprint` tells it.
        epoch, step: the next to be done, from 0.
        history: the metrics of each epoch that is done.
        live: the state of the logged metrics, where they are logged.
        state: values of the model's and the optimizer's variables.
        metrics: those of the epoch that is under way.
        best: the weights of the best epoch so far.
        finished: whether no epoch is left.
    """

    identity: Mapping[str, str]
    epoch: int
    step: int
    history: list[dict[str, float]]
    live: dict[str, Any] | None
    state: list[np.ndarray]
    metrics: list[np.ndarray]
    best: list[np.ndarray]
    finished: bool = False


ARRAYS = ("state", "metrics", "best")


@with_config(extra="forbid")
class Live(TypedDict):
    """The state of the logged metrics: the files are written again where they were."""

    step: Count
    logged: tuple[Count, float]
    files: dict[Annotated[str, Field(pattern=r"^(?:[\w-]+/)*[\w-]+\.tsv$")], str]


@with_config(extra="forbid")
class Progress(TypedDict):
    """All of a `Checkpoint` but its arrays."""

    identity: dict[str, str]
    epoch: Count
    step: Count
    history: list[dict[str, float]]
    live: Live | None
    finished: bool


PROGRESS = TypeAdapter(Progress)


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Put the checkpoint in the place of the last one.

    Raises:
        OSError: it cannot be written; the last one is still there.
    """
    metadata = {name: value for name, value in vars(checkpoint).items() if name not in ARRAYS}
    arrays = {
        f"{name}/{number}": array
        for name in ARRAYS
        for number, array in enumerate(getattr(checkpoint, name))
    }
    encoded = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    # An open file, because numpy adds .npz to any other name.
    with writing_file(path) as partial, partial.open("wb") as file:
        np.savez(file, **{METADATA: encoded}, **arrays)


def read_checkpoint(path: Path | BinaryIO) -> Checkpoint:
    """Read what `write_checkpoint` wrote, from its path or from an open file.

    Raises:
        BadInput: the file is damaged.
    """
    return _read(path, ARRAYS)


def is_finished(path: Path) -> bool:
    """Say whether a file is the whole checkpoint of a training of which no epoch is left."""
    try:
        return read_progress(path).finished
    except BadInput:
        return False


def read_progress(path: Path | BinaryIO) -> Checkpoint:
    """Read a checkpoint without its arrays, and so in little time and memory.

    Raises:
        BadInput: the file is damaged.
    """
    return _read(path, arrays=())


def _read(path: Path | BinaryIO, arrays: Sequence[str]) -> Checkpoint:
    """Read a checkpoint with the named arrays; the others are empty."""
    try:
        if isinstance(path, Path):
            check_file(path)
        with np.load(path, allow_pickle=False) as file:
            _check_sizes(file.zip)
            metadata = PROGRESS.validate_json(file[METADATA].tobytes(), strict=True)
            numbered = {name: _numbered(file, name) if name in arrays else [] for name in ARRAYS}
        return Checkpoint(**metadata, **numbered)
    # What zipfile, zlib, numpy and pydantic raise, depending on which bytes are damaged.
    except Exception as error:
        raise BadInput(f"{path} is damaged ({_first_problem(error)})") from error


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Check that every array has as many bytes in the file as its shape says, and not fewer."""
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise BadInput(f"{entry.filename} is compressed")
        with archive.open(entry) as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            expected = file.tell() + math.prod(shape) * dtype.itemsize
        if expected != entry.file_size and not dtype.hasobject:
            raise BadInput(f"{entry.filename} is {shape}, and has {entry.file_size:,} bytes")


def _numbered(file: np.lib.npyio.NpzFile, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in file.files)
    return [file[f"{name}/{number}"] for number in range(count)]


def _first_problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


# Of what has been trained.
RECORD = Path("dvc.lock")


def checkpoints_folder() -> Path:
    """Return where checkpoints are: what PREFERENCE_CHECKPOINTS names, or .checkpoints/."""
    return Path(os.environ.get("PREFERENCE_CHECKPOINTS", ".checkpoints"))


def checkpoint_file(name: str, seed: int) -> Path:
    """Return the path of a training's checkpoint."""
    return checkpoints_folder() / f"{name}-seed-{seed}.npz"


def remove_old_checkpoints(name: str, seeds: Sequence[int]) -> None:
    """Delete what is of no use to the trainings of an experiment, so that each has one file.

    That is: checkpoints of other seeds; what processes that were killed have not finished to write;
    and trainings that were finished before DVC recorded something, for then it has recorded them,
    and is asked to train again.
    """
    kept = [checkpoint_file(name, seed) for seed in seeds]
    folder = checkpoints_folder()
    remove_leftovers(folder, f"{name}-seed-*.npz")
    for path in folder.glob(f"{name}-seed-*.npz"):
        if path not in kept or (is_finished(path) and _is_older(path, RECORD)):
            path.unlink()


def _is_older(path: Path, other: Path) -> bool:
    """Say whether a file was written before another one, which may not exist."""
    return other.exists() and path.stat().st_mtime < other.stat().st_mtime
