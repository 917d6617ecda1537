"""The result of a run: hashes of its files and of dvc.lock, damage and gaps in DVC's cache.

Two runs have the same result only if all of this is equal. A file that only one of them left behind
is a difference.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from checks.faults.cache_check import damaged_objects
from checks.faults.workspace import LOCK, cached_object, outputs_of, read_lock
from preference.runtime.provenance import hash_file, hash_text

# Internal files of git and DVC, and files that outlive a run on purpose.
LEFT_OUT = {".git", ".dvc", ".checkpoints", ".locks", "__pycache__"}
DAMAGED = "damaged in DVC's cache: "
MISSING = "missing in DVC's cache: "

Result = dict[str, str]


def read_result(folder: Path) -> Result:
    """Return the hash of each file, and of the content of dvc.lock whatever its order."""
    hashes = {path.relative_to(folder).as_posix(): hash_file(path) for path in _files(folder)}
    # DVC appends new stages, so that their order depends on the runs.
    record = json.dumps(read_lock(folder), sort_keys=True)
    hashes[LOCK] = hash_text(record)
    damaged = {f"{DAMAGED}{name}": "" for name in damaged_objects(folder)}
    return hashes | damaged | {f"{MISSING}{name}": "" for name in _missing(folder)}


def differences(found: Result, expected: Result) -> list[str]:
    """Return the names that only one has, or whose hashes differ."""
    names = sorted({*found, *expected})
    return [name for name in names if found.get(name) != expected.get(name)]


def _missing(folder: Path) -> Iterator[str]:
    """Yield the paths of outputs that are not in DVC's cache; metrics without a cache are some."""
    for path, name in outputs_of(folder):
        if not cached_object(folder, name).exists():
            yield path.relative_to(folder).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        yield from (Path(parent, name) for name in files)
