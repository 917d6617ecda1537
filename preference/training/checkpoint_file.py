"""One file with all that a training run needs to resume.

Guarantees
1. The file is complete or absent (`preference.runtime.atomic_write`).
2. Reading it runs no code: it holds arrays and JSON, no pickle. Reading takes no more memory than
   the file has bytes, and every value is checked to have the type that was written.
"""

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import check_file
from preference.training.best_epoch import check_epoch

METADATA = "metadata"
Count = Annotated[int, Field(ge=0)]


@with_config(extra="forbid")
class LoggedMetrics(TypedDict):
    """The state of `preference.training.callbacks.LiveMetrics`.

    `step` is the last one. `logged` is the sum of the weights of the battles, by default their
    number, and the sum of their losses in this epoch when the loss was last logged. `files` are the
    texts of dvclive's files, by path.
    """

    step: Count
    logged: tuple[Annotated[float, Field(ge=0)], float]
    files: dict[Annotated[str, Field(pattern=r"^(?:[\w-]+/)*[\w-]+\.tsv$")], str]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training run.

    Args:
        identity: what `preference.training.fingerprint` returns for the run.
        epoch, step: the next to be computed, counted from 0.
        history: the metrics of each finished epoch.
        live: the state of the logged metrics, where they are logged.
        state: values of the model's and the optimizer's variables.
        metrics: values of the metrics' variables in an unfinished epoch.
        best: the weights of the best epoch so far.
        finished: whether no epoch is left.
    """

    identity: Mapping[str, str]
    epoch: int
    step: int
    history: list[dict[str, float]]
    live: LoggedMetrics | None
    state: list[np.ndarray]
    metrics: list[np.ndarray]
    best: list[np.ndarray]
    finished: bool = False


ARRAYS = ("state", "metrics", "best")


@with_config(extra="forbid")
class Metadata(TypedDict):
    """A `Checkpoint` without its arrays."""

    identity: dict[str, str]
    epoch: Count
    step: Count
    history: list[Annotated[dict[str, float], AfterValidator(check_epoch)]]
    live: LoggedMetrics | None
    finished: bool


METADATA_TYPE = TypeAdapter(Metadata)


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Replace the checkpoint at `path`.

    Raises:
        OSError: it cannot be written; the previous one is unchanged.
    """
    metadata = {name: value for name, value in vars(checkpoint).items() if name not in ARRAYS}
    contents: dict[str, Any] = {METADATA: np.frombuffer(json.dumps(metadata).encode(), np.uint8)}
    for name in ARRAYS:
        for number, array in enumerate(getattr(checkpoint, name)):
            contents[f"{name}/{number}"] = array
    # NumPy would add .npz to a path, but not to an open file.
    with writing_file(path) as partial, partial.open("wb") as file:
        np.savez(file, **contents)


def read_checkpoint(path: Path | BinaryIO) -> Checkpoint:
    """Read what `write_checkpoint` wrote, from its path or from an open file.

    Raises:
        BadInput: the file is damaged.
    """
    return _read(path, ARRAYS)


def is_finished(path: Path) -> bool:
    """Return whether a file is the undamaged checkpoint of a finished training run."""
    try:
        return read_progress(path).finished
    except BadInput:
        return False


def read_progress(path: Path | BinaryIO) -> Checkpoint:
    """Read a checkpoint without its arrays, which takes little time and memory.

    Raises:
        BadInput: the file is damaged.
    """
    return _read(path, arrays=())


def _read(path: Path | BinaryIO, arrays: Sequence[str]) -> Checkpoint:
    """Read a checkpoint with the named arrays only; the others are empty."""
    try:
        if isinstance(path, Path):
            check_file(path)
        with np.load(path, allow_pickle=False) as file:
            _check_sizes(file.zip)
            metadata = METADATA_TYPE.validate_json(file[METADATA].tobytes(), strict=True)
            numbered = {name: _numbered(file, name) if name in arrays else [] for name in ARRAYS}
        return Checkpoint(**metadata, **numbered)
    # zipfile, zlib, NumPy and pydantic raise different errors, depending on the damaged bytes.
    except Exception as error:
        raise BadInput(f"{path} is damaged ({_first_problem(error)})") from error


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Check that every array has as many bytes in the file as its shape and type require."""
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
