"""JSON that means the same to every reader: no repeated keys, no NaN, no value of another type.

Python's own reader keeps the last of two equal keys, and its writer and reader take `NaN` and
`Infinity`, which are not JSON.
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
    """Return a value as JSON with a newline at its end, letters outside ASCII as they are.

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
    """Return what JSON holds as an object of a checked dataclass.

    Raises:
        ValueError: a value is missing, unknown, of another type or out of its range; the message
            names the first one.
    """
    try:
        # As JSON, because strict dataclasses take mappings from nothing else.
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = _in_ascii(".".join(map(str, problem["loc"])))
        message = problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"{key}: {message}" if key else message) from error


def read_json(path: Path, stage: str) -> Any:  # noqa: ANN401
    """Read a file that the DVC stage `stage` writes.

    Raises:
        BadInput: it does not exist or is not strict JSON.
    """
    check_exists(path, stage)
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise damaged(path, error, stage) from error


def read_checked(kind: type[T], path: Path, stage: str) -> T:
    """Read a file that the DVC stage `stage` writes, as an object of a checked dataclass.

    Raises:
        BadInput: it does not exist, is not strict JSON, or a value is not as `kind` says.
    """
    values = read_json(path, stage)
    try:
        return check_values(kind, values)
    except ValueError as error:
        raise damaged(path, error, stage) from error


def damaged(path: Path, problem: object, stage: str) -> BadInput:
    """Return the error of a file that is not what its stage has written."""
    return BadInput(f"{path} is damaged ({problem}). Delete it, and run `dvc repro {stage}`.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"it has the key {_in_ascii(key)} twice")
    return values


def _in_ascii(key: str) -> str:
    """Show a key that someone else may have written."""
    return key[:LONGEST_KEY].encode("unicode_escape").decode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has the number {name}, which is not JSON")
