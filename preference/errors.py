"""Errors that are the user's to fix, told without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """Turn `BadInput` into one line on stderr and exit status 1; let every other error through."""
    try:
        yield
    except BadInput as error:
        sys.exit(f"error: {error}")
