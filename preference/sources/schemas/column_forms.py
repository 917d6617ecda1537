"""Whether columns hold plain text, or lists as JSON, judged by the first rows of a file."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.sources.row_parser import RawRow

# As Python prints ['a', None] or [{'a': 1}], and NumPy ['a' 'b'].
PRINTED_LIST = re.compile(
    r"\s*\[\s*(?:['\"{]|None\b|nan\b)(?:.*(?:['\"}]|\bNone|\bnan))?\s*\]\s*", re.DOTALL
)
LONGEST_EXAMPLE = 60


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
        lists = sum(map(_is_list, values))
        # A damaged list is no sign of plain text.
        others = sum(not text.lstrip().startswith("[") for text in texts)
        if texts and (others > lists or not lists):
            _check_is_not_printed(path, name, texts)
            plain.add(name)
    return frozenset(plain)


def is_json_list(value: object, of: type = str) -> bool:
    """Return whether a text is a JSON list, of texts and nulls or, with `of=dict`, of objects."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return False
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return all(isinstance(item, of) or (item is None and of is str) for item in items)


def _is_list(value: object) -> bool:
    return isinstance(value, list) or is_json_list(value) or is_json_list(value, of=dict)


def _check_is_not_printed(path: Path, name: str, texts: Sequence[str]) -> None:
    printed = [text for text in texts if PRINTED_LIST.fullmatch(text)]
    if 2 * len(printed) > len(texts):
        example = one_line(printed[0], LONGEST_EXAMPLE)
        raise BadInput(
            f"{path}: column {name} holds lists as Python or NumPy prints them ({example}), from "
            "which the texts cannot be told apart for sure. Write each list with json.dumps, for "
            "instance of its tolist(), or the table as Parquet."
        )
