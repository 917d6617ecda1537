"""Atomic writes: an output is complete, or it does not exist.

Guarantees
1. An output is written in a new folder next to it, `<name>.<digits>.partial`, and gets its name in
   one step when it is complete and on the disk.
2. When writing fails, the partial output is removed, and the old output is unchanged.
3. When several processes write the same output at once, the last one to finish wins; outputs are
   never mixed.
4. The leftovers of a killed process are removed when the same output is next written.
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

# A folder cannot be renamed to the name of a file, or of a folder that is not empty.
NAME_IS_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@contextmanager
def writing_file(path: Path) -> Iterator[Path]:
    """Write a file atomically; its parent folders are created.

    A link at `path` is replaced, and its target is not changed: DVC may link outputs to its cache.

    Args:
        path: the file.

    Yields:
        A temporary path, at which the block must write the file.

    Raises:
        OSError: the file cannot be written.
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
    """Write a folder atomically; an old folder at `path` is replaced as a whole.

    Args:
        path: the folder.

    Yields:
        A new empty folder, into which the block must write the content.

    Raises:
        OSError: the folder cannot be written.
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
    """Check that `writing_file` can write a file, so that a wrong path fails before long work.

    Raises:
        OSError: the file cannot be written.
    """
    with partial_folder(path) as partial:
        _check_is_no_folder(path)
        (partial / path.name).touch()


def check_room(folder: Path, size: int) -> None:
    """Check that `size` bytes are free on the disk of a folder.

    On a full disk, HDF5 may close an incomplete file without any error.

    Raises:
        OSError: the disk has fewer bytes free.
    """
    if not hasattr(os, "posix_fallocate"):
        # On macOS, so a disk that other programs fill in the meantime is not noticed.
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        return
    with TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)


def write_text(text: str, path: Path) -> None:
    """Write a text file atomically, in UTF-8.

    Raises:
        OSError: the file cannot be written.
    """
    with writing_file(path) as new:
        new.write_text(text, encoding="utf-8")


def _check_is_no_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _put_in_place(new: Path, path: Path) -> None:
    """Rename a folder to `path`. An old folder there ends up in the parent folder of `new`."""
    while True:
        try:
            new.rename(path)
            return
        except OSError as error:
            if error.errno not in NAME_IS_TAKEN:
                raise
        if exchange(new, path):
            return
        # Until the next attempt, no folder has the name: this file system has no exchange.
        _move_away(path, new.with_name(secrets.token_hex(8)))


def _move_away(path: Path, place: Path) -> None:
    try:
        path.rename(place)
    except FileNotFoundError:
        # Another process has moved it.
        pass
    except OSError as error:
        # In a container, a folder of the image can be removed, but not renamed.
        if error.errno != errno.EXDEV:
            raise
        shutil.rmtree(path)


def _flush(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk.

    Raises:
        OSError: the content of a file cannot be written. Some disks report this only here.
    """
    # Some file systems cannot flush a folder, and some folders cannot be read.
    with suppress(OSError) if path.is_dir() else nullcontext():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
