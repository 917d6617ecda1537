"""Outputs that are whole or not there.

Guarantees
1. What is written is called `<name>.partial` until it is complete; then it is renamed.
2. Where writing fails, nothing of it is left, and what had the name before is still there.
3. What a process that was killed has left is removed when the same output is next written.

Two processes must not write the same output at once: see `preference.running_alone`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

PARTIAL = ".partial"


@contextmanager
def writing_file(path: Path) -> Iterator[Path]:
    """Give the name under which to write a file; the folder that it is in is made.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}{PARTIAL}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(partial)
    try:
        yield partial
        if partial.is_dir():
            # No folder can be renamed onto one that has files.
            _remove(path)
        partial.replace(path)
    finally:
        _remove(partial)


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Give a new empty folder to write into, which then takes the place of `path`.

    Raises:
        OSError: it cannot be written.
    """
    with writing_file(path) as partial:
        partial.mkdir()
        yield partial


def check_room(folder: Path, size: int) -> None:
    """Stop where a folder's disk has not this many bytes left.

    For what fails badly on a full disk: HDF5 may close a file without its end, and say nothing.

    Raises:
        OSError: it has not.
    """
    with TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)


def write_text(text: str, path: Path) -> None:
    """Write a file of UTF-8.

    Raises:
        OSError: it cannot be written.
    """
    with writing_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
