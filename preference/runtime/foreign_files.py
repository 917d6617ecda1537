"""Open files that someone else may have written: only regular files of a limited size.

A pipe or a device would keep a reader waiting, or feed it forever.
"""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from preference.runtime.errors import BadInput

# In bytes. The largest files in use are an index of weights (0.1 MB) and the vocabulary of
# XLM-RoBERTa (17 MB).
LARGEST_JSON = 2**20
LARGEST_VOCABULARY = 2**25
# Raised by code that is given wrong values. NameError or ImportError, for instance, are not among
# them: those are faults of the code.
WRONG_VALUE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@contextmanager
def refusing_damage(name: str, errors: tuple[type[Exception], ...] = WRONG_VALUE) -> Iterator[None]:
    """Report errors that the content of a file causes in the code, or library, that reads it.

    Keep the block small: it must contain nothing but the reading.

    Args:
        name: the name of the file.
        errors: what the reader raises.

    Raises:
        BadInput: the block raised one of `errors`; the message has the `name`.
    """
    try:
        yield
    except BadInput:
        raise
    except errors as error:
        raise BadInput(f"{name} cannot be used: {type(error).__name__}: {error}") from error


def check_file(path: Path, largest: int | None = None) -> None:
    """Check that a path is a regular file, or a link to one, of at most `largest` bytes.

    Raises:
        BadInput: the file is missing, not regular, or larger.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{path.name} is not a regular file. Put a file in its place")
    if largest is not None and status.st_size > largest:
        raise BadInput(
            f"{path.name} has {status.st_size:,} bytes, and such a file has at most {largest:,}. "
            "Do not trust it"
        )


def read_json(path: Path, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises:
        BadInput: `check_file` refuses the file, or it is not such JSON.
    """
    check_file(path, largest)
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise BadInput(f"{path.name} cannot be read: {error}") from error
    return parse_json(text, path.name)


def parse_json(text: str, name: str) -> dict[str, Any]:
    """Read the text of a JSON file whose top level is an object.

    Raises:
        BadInput: the text is not such JSON; the message has the `name`.
    """
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{name} cannot be read: it holds no JSON object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
