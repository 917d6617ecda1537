"""Errors that the user can fix, reported in one line without a traceback."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from preference.runtime.stop_signals import ending_on_signals
from preference.runtime.terminal_text import one_line

# The exit status of a program that SIGPIPE ended: its output has no reader.
BROKEN_PIPE_STATUS = 141
ADVICE = {
    errno.ENOENT: "Correct the path, or make what is missing.",
    errno.ENOTDIR: "Correct the path: a part of it is a file, and not a folder.",
    errno.EEXIST: "Correct the path, or move the file away: a folder is needed there.",
    errno.EISDIR: "Give the name of a file, and not of a folder.",
    errno.EACCES: "Ask for the permission, or give another path.",
    errno.EPERM: "Ask for the permission, or give another path.",
    errno.EROFS: "Give a path on a disk that can be written to.",
    errno.ENAMETOOLONG: "Give it a shorter name.",
    errno.ELOOP: "Correct its links: they lead in a circle.",
    errno.EBUSY: "It is mounted, or in use: give another path.",
    errno.ENXIO: "Give the name of a file, and not of a device or a socket.",
}
# Reading and writing raise these too, and then the error does not name the file.
ADVICE_WITHOUT_A_PATH = {
    errno.EFBIG: "Raise the limit of `ulimit -f`, or give a path on a disk for larger files.",
    errno.EMFILE: "Raise the limit of `ulimit -n`.",
    errno.EIO: "Check the disk or the network, or give another path.",
    errno.ESTALE: "The network disk has lost the file: run the same again.",
}
# Parts of messages, because some writers raise OSError without a number. The last part is numpy's.
DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), " requested and ")


class BadInput(ValueError):
    """A file, row or parameter that cannot be used. The message names it and says how to fix it."""


def check_exists(path: Path, stage: str) -> None:
    """Check that the output of an earlier stage exists.

    Args:
        path: the output.
        stage: the DVC stage that makes it.

    Raises:
        BadInput: `path` does not exist; the message names the stage.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: run `dvc repro {stage}`.")


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Report errors that the user can fix in one line on stderr, and exit with status 1.

    These are `BadInput`, a full disk, and a path that cannot be read or written. Any other error is
    raised as it is. Ctrl-C, SIGTERM (`preference.runtime.stop_signals`) and a closed pipe on stdout
    or stderr end the process silently.
    """
    if sys.stderr is None:
        # As under a daemon that has closed it: a progress bar would fail.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    with ending_on_signals():
        try:
            yield
            # A closed pipe or a full disk would otherwise be reported after this block.
            if sys.stdout:
                sys.stdout.flush()
        except BadInput as error:
            _exit(str(error))
        except BrokenPipeError:
            _exit_on_broken_pipe()
        except OSError as error:
            message = _describe(error)
            if not message:
                raise
            _exit(message)


def _describe(error: OSError) -> str:
    """Return what the user can do; an empty text if the error is a fault of the program."""
    if any(said in str(error) for said in DISK_FULL):
        return "the disk is full. Make room, and run the same again."
    if error.errno in ADVICE_WITHOUT_A_PATH:
        return f"{error}. {ADVICE_WITHOUT_A_PATH[error.errno]}"
    if error.errno in ADVICE and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}. {ADVICE[error.errno]}"
    return ""


def _exit(message: str) -> NoReturn:
    # A progress bar may have left the line incomplete.
    tqdm.write(f"error: {one_line(message)}", file=sys.stderr)
    sys.exit(1)


def _exit_on_broken_pipe() -> NoReturn:
    # Python flushes both streams again at exit, and would report the error.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.exit(BROKEN_PIPE_STATUS)
