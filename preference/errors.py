"""Errors that are the user's to fix, told without a traceback."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from preference.terminal_text import one_line

# In the words, because not all that writes gives the number; the last ones are numpy's.
DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), " requested and ")


class BadInput(ValueError):
    """A file, row or parameter that cannot be used. The message names it and says how to fix it."""


def check_exists(path: Path, stage: str) -> None:
    """Stop where an earlier stage's output is missing.

    Raises:
        BadInput: `path` does not exist; the message names the stage that makes it.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: run `dvc repro {stage}`.")


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Turn `BadInput`, and a full disk, into one line on stderr and exit status 1.

    Every other error is let through.
    """
    try:
        yield
    except BadInput as error:
        _exit(one_line(error))
    except OSError as error:
        if not any(said in str(error) for said in DISK_FULL):
            raise
        _exit("the disk is full. Make room, and run the same again.")


def _exit(message: str) -> NoReturn:
    # On a line of its own, where a progress bar has not come to its end.
    tqdm.write(f"error: {message}", file=sys.stderr)
    sys.exit(1)
