"""Whether columns hold plain text, or lists as JSON, judged by the first rows of a file."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.sources.row_parser import RawRow
from preference.sources.schemas.messages import CONTENTS, SPEAKERS, is_message
from preference.sources.schemas.schema import is_blank

# As Python prints ['a', None], [{'a': 1}] or {'role': 'user'}, and NumPy ['a' 'b'].
PRINTED_LIST = re.compile(
    r"\s*(?:\[\s*(?:['\"{]|None\b|nan\b)(?:.*(?:['\"}]|\bNone|\bnan))?\s*\]"
    r"|\{\s*'(?:role|from|content|value)'\s*:.*\})\s*",
    re.DOTALL,
)
LONGEST_EXAMPLE = 60
MESSAGE_KEYS = (*SPEAKERS, *CONTENTS, "text")


def find_plain_columns(
    path: Path, columns: Iterable[str], rows: Sequence[RawRow]
) -> frozenset[str]:
    """Return the columns that hold plain text in most of the rows.

    Raises:
        BadInput: a column holds mostly lists as Python or NumPy prints them, which are no JSON.
    """
    plain = set()
    for name in columns:
        values = [row[name] for row in rows if name in row]
        texts = [value for value in values if isinstance(value, str) and value]
        _check_is_not_printed(path, name, values)
        lists = sum(map(_is_list, values))
        # A damaged list is no sign of plain text.
        others = sum(not text.lstrip().startswith("[") and not _is_list(text) for text in texts)
        if others > lists or (not lists and any(map(_is_text_or_number, values))):
            plain.add(name)
    return frozenset(plain)


def is_json_list(value: object) -> bool:
    """Return whether a text is a JSON list of texts and nulls, or of messages.

    Messages that lack who speaks or what they say are such a list, too. Other objects, such as the
    calls of functions, are the text of an answer.
    """
    items = _read_list(value)
    return items is not None and (
        all(isinstance(item, str | None) for item in items)
        or _are_objects_with(MESSAGE_KEYS, items)
    )


def is_json_messages(value: object) -> bool:
    """Return whether a text is a message in JSON, or a list of them, each naming who speaks."""
    items = _read_list(value)
    if items is None:
        return _is_message(value)
    return bool(items) and _are_objects_with(SPEAKERS, items)


def _is_message(value: object) -> bool:
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return False
    item = _read_json(value)
    return isinstance(item, dict) and is_message(item)


def _are_objects_with(keys: Iterable[str], items: Sequence[object]) -> bool:
    return all(isinstance(item, dict) and not item.keys().isdisjoint(keys) for item in items)


def _read_list(value: object) -> list[object] | None:
    """Return the list that a text is in JSON; None for everything else."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return None
    items = _read_json(value)
    return items if isinstance(items, list) else None


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_list(value: object) -> bool:
    if isinstance(value, dict):
        return is_message(value)
    return isinstance(value, list) or is_json_list(value) or is_json_messages(value)


def _is_text_or_number(value: object) -> bool:
    # An answer of digits alone may have become a number.
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _check_is_not_printed(path: Path, name: str, values: Sequence[object]) -> None:
    # Python prints ["it's"] as JSON does.
    texts = [value for value in values if isinstance(value, str)]
    printed = [text for text in texts if PRINTED_LIST.fullmatch(text) and _read_list(text) is None]
    if 2 * len(printed) > sum(not is_blank(value) for value in values):
        example = one_line(printed[0], LONGEST_EXAMPLE)
        raise BadInput(
            f"{path}: column {name} holds lists as Python or NumPy prints them ({example}), from "
            "which the texts cannot be told apart for sure. Write each list with json.dumps, for "
            "instance of its tolist(), or the table as Parquet."
        )
