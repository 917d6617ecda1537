"""Parse values of params.yaml into checked dataclasses, with one sentence for each error."""

import json
import reprlib
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from preference.runtime.errors import BadInput

T = TypeVar("T")


def parse_values(kind: type[T], values: object, where: str) -> T:
    """Return the values of params.yaml, or of a part of it, as an object of a checked dataclass.

    Args:
        kind: the dataclass.
        values: the values that were read from YAML.
        where: the prefix of keys in messages, such as `experiments.exp1.model.`.

    Raises:
        BadInput: a key is unknown or missing, or a value has the wrong type or range; the message
            names all such keys.
    """
    try:
        # Strict dataclasses accept mappings only from JSON.
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        problems = [_describe(problem, where) for problem in error.errors()]
        raise BadInput("params.yaml: " + "; ".join(problems)) from error


def _describe(problem: ErrorDetails, where: str) -> str:
    key = where + ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "unexpected_keyword_argument":
        return f"unknown key {key}. Remove it or correct its spelling"
    if problem["type"] in ("missing", "missing_argument"):
        return f"{key} is missing. Add it"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key.rstrip('.') or 'the file'}: {message} (it is {reprlib.repr(problem['input'])})"
