"""What a run has made: files by their hashes, what dvc.lock says, whether DVC's cache is whole.

Two runs ended with the same result only if nothing of this differs. A file that one of them left
behind is a difference too.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from checks.faults.cache_check import damaged_objects
from checks.faults.workspace import LOCK, read_lock
from preference.runtime.provenance import hash_file, hash_text

# What git and DVC keep for themselves, and what outlives a run on purpose.
LEFT_OUT = {".git", ".dvc", ".checkpoints", ".locks", "__pycache__"}
DAMAGED = "damaged in DVC's cache: "

Result = dict[str, str]


def read_result(folder: Path) -> Result:
    """Return the hash of each file, and of what dvc.lock says in whatever order."""
    hashes = {path.relative_to(folder).as_posix(): hash_file(path) for path in _files(folder)}
    # DVC appends a stage that was not in it.
    record = json.dumps(read_lock(folder), sort_keys=True)
    hashes[LOCK] = hash_text(record)
    damaged = {f"{DAMAGED}{name}": "" for name in damaged_objects(folder)}
    return hashes | damaged


def differences(found: Result, expected: Result) -> list[str]:
    """Return the names that only one has, or that are not the same in both."""
    names = sorted({*found, *expected})
    return [name for name in names if found.get(name) != expected.get(name)]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        yield from (Path(parent, name) for name in files)
