"""The folder in which an output is written until it is complete.

Guarantees
1. It lies beside the output, and each writer has its own: `<name>.<16 hexadecimal digits>.partial`.
2. What a process that was killed has left is removed when the same output is next written; what a
   living process writes is not touched. A lock on a file in the folder tells them apart, because
   the number of a process means nothing in another container that shares the disk.
3. Nobody else can read what is in it, and what is not the user's own is never taken for a leftover:
   in a folder that all may write to, another user could make it a link to where they cannot write.

Where the file system has no locks, nothing that another process has left is removed.
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
# Characters of the output's name, of up to four bytes each: with the rest they stay below the 255
# bytes that a name may have. So outputs with long names may remove each other's leftovers.
CHARACTERS_KEPT = 50


@contextmanager
def partial_folder(output: Path) -> Iterator[Path]:
    """Give a new folder beside an output, whose folder is made, and remove it after the block.

    Raises:
        OSError: it cannot be made.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    name = output.name[:CHARACTERS_KEPT]
    remove_leftovers(output.parent, glob.escape(name))
    while True:
        folder = output.with_name(f"{name}.{secrets.token_hex(DIGITS // 2)}{PARTIAL}")
        with always_after(partial(_remove, folder)), _naming(output, folder):
            folder.mkdir(mode=0o700)
            lock = _hold(folder)
            # None where another process has taken the folder for a leftover in that instant.
            if lock:
                with lock:
                    yield folder
                return


def remove_leftovers(parent: Path, names: str) -> None:
    """Remove what processes that are dead have left of outputs in a folder, which need not exist.

    Args:
        parent: the folder.
        names: of the outputs, as a pattern for `Path.glob`.
    """
    for folder in parent.glob(f"{names}.{'[0-9a-f]' * DIGITS}{PARTIAL}"):
        _remove_if_left(folder)


@contextmanager
def _naming(output: Path, folder: Path) -> Iterator[None]:
    """Let an error name the output, and not its partial folder, of which the user knows nothing."""
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
        # Killed before it had the lock, or about to take it: then `_hold` notices.
        with suppress(OSError):
            folder.rmdir()
    except OSError:
        # It is locked, belongs to someone else, or there are no locks.
        pass


def _is_own_folder(folder: Path) -> bool:
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _hold(folder: Path) -> IO[bytes] | None:
    """Lock a folder until the returned file is closed; None where it is another's to remove."""
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
    """Remove a partial folder, its lock last, so that a kill meanwhile leaves a known leftover."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path, ignore_errors=True)
                path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
