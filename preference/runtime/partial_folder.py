"""The folder in which an output is written until it is complete.

Guarantees
1. It is next to the output, and each writer has its own: `<name>.<16 hexadecimal digits>.partial`.
2. The leftovers of a killed process are removed when the same output is next written; the folder of
   a running process is not. A lock on a file in the folder shows which is which, because a process
   number has no meaning in another container that shares the disk.
3. Other users cannot read it, and a folder of another user is never removed as a leftover: in a
   folder where everybody may write, that user could plant a link to files of this user.

If the file system has no locks, no leftovers are removed.
"""

import fcntl
import glob
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from preference.runtime.stop_signals import always_after

PARTIAL = ".partial"
LOCK = ".lock"
DIGITS = 16
# Characters of the output's name. A name may have 255 bytes, and a character takes up to four.
# Outputs whose long names begin alike may therefore remove each other's leftovers.
CHARACTERS_KEPT = 50


@contextmanager
def partial_folder(output: Path) -> Iterator[Path]:
    """Make a new folder next to an output, and remove it after the block.

    Args:
        output: the output; its parent folders are created.

    Yields:
        The new folder.

    Raises:
        OSError: the folder cannot be made.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    name = output.name[:CHARACTERS_KEPT]
    remove_leftovers(output.parent, glob.escape(name))
    while True:
        folder = output.with_name(f"{name}.{secrets.token_hex(DIGITS // 2)}{PARTIAL}")
        with always_after(partial(_remove, folder)), _naming(output, folder):
            folder.mkdir(mode=0o700)
            lock = _hold(folder)
            # None if another process has removed the folder before it was locked.
            if lock:
                with lock:
                    yield folder
                return


def remove_leftovers(parent: Path, names: str) -> None:
    """Remove what killed processes have left of outputs.

    Args:
        parent: the folder of the outputs; it need not exist.
        names: the names of the outputs, as a pattern for `Path.glob`.
    """
    for folder in parent.glob(f"{names}.{'[0-9a-f]' * DIGITS}{PARTIAL}"):
        _remove_if_left(folder)


@contextmanager
def _naming(output: Path, folder: Path) -> Iterator[None]:
    """Let errors name the output, because the user does not know its partial folder."""
    try:
        yield
    except OSError as error:
        if str(error.filename).startswith(str(folder)):
            raise OSError(error.errno, error.strerror, str(output)) from error
        raise


def _remove_if_left(folder: Path) -> None:
    try:
        if not _is_own_folder(folder):
            return
        with (folder / LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
    except FileNotFoundError:
        # Its process was killed before it made the lock, or is about to make it: `_hold` notices.
        with suppress(OSError):
            folder.rmdir()
    except OSError:
        # The folder is in use, belongs to another user, or the file system has no locks.
        pass


def _is_own_folder(folder: Path) -> bool:
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _hold(folder: Path) -> IO[bytes] | None:
    """Lock a folder until the returned file is closed; None if another process is removing it."""
    try:
        lock = (folder / LOCK).open("xb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    except OSError:
        # The file system has no locks.
        return lock
    return lock if os.fstat(lock.fileno()).st_nlink else None


def _remove(folder: Path) -> None:
    """Remove a partial folder, its lock last: if killed, what is left is a leftover with a lock."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path, ignore_errors=True)
                path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
