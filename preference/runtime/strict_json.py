"""Strict JSON, which every reader reads alike: no repeated keys, no NaN, checked types.

Python's json keeps the last of two equal keys, and reads and writes `NaN` and `Infinity`, which
are not JSON.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from preference.runtime.errors import BadInput, check_exists

# In characters: a key of a foreign file may be as long as the file.
LONGEST_KEY = 100

T = TypeVar("T")


def to_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON with a newline at its end; characters outside ASCII are not escaped.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def parse_json(content: bytes) -> Any:  # noqa: ANN401
    """Return the value that a JSON text in UTF-8 describes.

    Raises:
        ValueError: it is not JSON, is nested too deeply, repeats a key, or has NaN or Infinity.
    """
    text = content.decode("utf-8")
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def check_values(kind: type[T], values: object) -> T:
    """Return a value read from JSON as an object of a checked dataclass.

    Args:
        kind: the dataclass, or another type that pydantic checks.
        values: what `parse_json` returns.

    Raises:
        ValueError: a value is missing, unknown, of another type or out of its range; the message
            names the first such value.
    """
    try:
        # Strict dataclasses accept mappings only from JSON.
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = _in_ascii(".".join(map(str, problem["loc"])))
        message = problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"{key}: {message}" if key else message) from error


def read_json(path: Path, stage: str) -> Any:  # noqa: ANN401
    """Read a file that the DVC stage `stage` writes.

    Raises:
        BadInput: the file does not exist, or is not strict JSON.
    """
    check_exists(path, stage)
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise damaged(path, error, stage) from error


def read_checked(kind: type[T], path: Path, stage: str) -> T:
    """Read a file that the DVC stage `stage` writes, as an object of a checked dataclass.

    Raises:
        BadInput: the file does not exist, is not strict JSON, or has a value that `kind` refuses.
    """
    values = read_json(path, stage)
    try:
        return check_values(kind, values)
    except ValueError as error:
        raise damaged(path, error, stage) from error


def damaged(path: Path, problem: object, stage: str) -> BadInput:
    """Return the error for a stage's output that cannot be read.

    Args:
        path: the output.
        problem: what is wrong with it.
        stage: the DVC stage that makes it.
    """
    return BadInput(f"{path} is damaged ({problem}). Delete it, and run `dvc repro {stage}`.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"it has the key {_in_ascii(key)} twice")
    return values


def _in_ascii(key: str) -> str:
    """Return a key that someone else may have written, so that it is safe to print."""
    return key[:LONGEST_KEY].encode("unicode_escape").decode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has the number {name}, which is not JSON")
