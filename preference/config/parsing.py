"""Parse values of params.yaml into checked dataclasses, with one sentence for each error."""

import json
import re
import reprlib
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from preference.runtime.errors import BadInput

T = TypeVar("T")
# What pydantic appends to a key whose value may be one of several kinds.
KIND_OF_VALUE = re.compile(r"(literal|list)\[")


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
    parts = (str(part) for part in problem["loc"])
    key = where + ".".join(part for part in parts if not KIND_OF_VALUE.match(part))
    if problem["type"] == "unexpected_keyword_argument":
        return f"unknown key {key}. Remove it or correct its spelling"
    if problem["type"] in ("missing", "missing_argument"):
        return f"{key} is missing. Add it"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error" and not key:
        # The message names a key of the file, all of which would follow.
        return message
    return f"{key.rstrip('.') or 'the file'}: {message} (it is {reprlib.repr(problem['input'])})"
