"""One file with all that a training needs to go on.

Guarantees
1. The file is whole or not there, as `preference.atomic_output` says.
2. Reading it runs no code: arrays and JSON, no pickle.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from preference.atomic_output import writing_file
from preference.errors import BadInput

METADATA = "metadata"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Args:
        identity: of what it belongs to, as `preference.training_identity` tells it.
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
        return _read(path, arrays=()).finished
    except BadInput:
        return False


def _read(path: Path, arrays: Sequence[str]) -> Checkpoint:
    """Read a checkpoint with the named arrays; the others are empty."""
    try:
        with np.load(path, allow_pickle=False) as file:
            metadata = json.loads(file[METADATA].tobytes())
            numbered = {name: _numbered(file, name) if name in arrays else [] for name in ARRAYS}
        return Checkpoint(**metadata, **numbered)
    # What zipfile, zlib, numpy and json raise, depending on which bytes are damaged.
    except Exception as error:
        raise BadInput(f"{path} is damaged ({error})") from error


def _numbered(file: np.lib.npyio.NpzFile, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in file.files)
    return [file[f"{name}/{number}"] for number in range(count)]
