"""Outputs that are whole or not there.

Guarantees
1. An output is written in a folder of its own beside it, `<name>.<digits>.partial`, and takes its
   name in one step when it is complete and on the disk.
2. Where writing fails, nothing of it is left, and what had the name before is still there.
3. Where several processes write one output at once, the last one to end wins, with all of its own.
4. What a process that was killed has left is removed when the same output is next written.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile

from preference.runtime.folder_exchange import exchange
from preference.runtime.partial_folder import partial_folder

# A folder can be renamed to the name of an empty folder, and to no other that exists.
NAME_IS_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@contextmanager
def writing_file(path: Path) -> Iterator[Path]:
    """Give the path at which to write a file; the folder that it is in is made.

    A link that has the name is replaced, and not what it leads to: DVC may link outputs to its
    cache.

    Raises:
        OSError: it cannot be written.
    """
    with partial_folder(path) as partial:
        _check_is_no_folder(path)
        new = partial / path.name
        yield new
        _flush(new)
        new.replace(path)
        _flush(path.parent)


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Give a new empty folder to write into, which then takes the place of `path`.

    Raises:
        OSError: it cannot be written.
    """
    with partial_folder(path) as partial:
        new = partial / path.name
        new.mkdir()
        yield new
        for written in (new, *new.rglob("*")):
            _flush(written)
        _put_in_place(new, path)
        _flush(path.parent)


def check_can_write(path: Path) -> None:
    """Make a file as `writing_file` does, and remove it: a wrong path shows before the work begins.

    Raises:
        OSError: it cannot be written.
    """
    with partial_folder(path) as partial:
        _check_is_no_folder(path)
        (partial / path.name).touch()


def check_room(folder: Path, size: int) -> None:
    """Stop where a folder's disk has not this many bytes left.

    For what fails badly on a full disk: HDF5 may close a file without its end, and say nothing.

    Raises:
        OSError: it has not.
    """
    if not hasattr(os, "posix_fallocate"):
        # macOS has no such call; a disk that other programs fill meanwhile is not noticed there.
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        return
    with TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)


def write_text(text: str, path: Path) -> None:
    """Write a file of UTF-8.

    Raises:
        OSError: it cannot be written.
    """
    with writing_file(path) as new:
        new.write_text(text, encoding="utf-8")


def _check_is_no_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _put_in_place(new: Path, path: Path) -> None:
    """Let a folder take the name of another, which ends up beside `new`, or in its place."""
    while True:
        try:
            new.rename(path)
            return
        except OSError as error:
            if error.errno not in NAME_IS_TAKEN:
                raise
        if exchange(new, path):
            return
        # Between this and the next attempt the name is missing, which nothing can prevent here.
        _move_away(path, new.with_name(secrets.token_hex(8)))


def _move_away(path: Path, place: Path) -> None:
    try:
        path.rename(place)
    except FileNotFoundError:
        # Another writer was faster.
        pass
    except OSError as error:
        # In a container, a folder of its image can be removed and not renamed.
        if error.errno != errno.EXDEV:
            raise
        shutil.rmtree(path)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk.

    Raises:
        OSError: the content of a file cannot be written; some disks notice only now.
    """
    # Not every file system can do this with a folder, and not every folder can be read.
    with suppress(OSError) if path.is_dir() else nullcontext():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
