"""Read objects of JSON Lines or of one JSON array, one at a time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from preference.runtime.errors import BadInput
from preference.sources.line_reader import MAX_ROW_CHARACTERS, SourceLines
from preference.sources.row_parser import MALFORMED, NOT_UTF8, RawRow, is_utf8
from preference.sources.schemas.messages import is_message
from preference.sources.schemas.table import KNOWN_COLUMNS

CHUNK_CHARACTERS = 2**16
# The longest word of JSON, -Infinity, may be cut where a chunk ends.
LONGEST_WORD = 12
SPACE = re.compile(r"[ \t\r\n]*")
LONGEST_INTEGER = 4000


class DamagedArray(ValueError):
    """Text that is not a JSON array, or that ends before the array does."""


def read_json_array(path: Path, stream: TextIO) -> Iterator[tuple[int, RawRow]]:
    """Yield the objects of an array, numbered from 1.

    Raises:
        DamagedArray: the text is not a JSON array.
        BadInput: an item is too long.
    """
    return enumerate(ArrayText(path, stream).read_objects(), start=1)


def read_json_lines(path: Path, stream: TextIO) -> Iterator[tuple[int, RawRow]]:
    """Yield the object on each line with the line's number. Blank lines are skipped.

    Raises:
        BadInput: a line is too long, or the text is one object for all rows.
    """
    lines = SourceLines(path, stream)
    if _is_one_table(lines):
        raise BadInput(
            f"{path} is one JSON object for all rows, or has an object on several lines. Write an "
            "array of objects or one object a line, as pandas does with to_json(path, "
            'orient="records", lines=True) and `jq -c` with its output.'
        )
    for text in lines:
        if text.strip():
            yield lines.row_line, _json_row(text)
        lines.begin_row()


def _is_one_table(lines: SourceLines) -> bool:
    """Return whether the text is one object for all rows, or an indented one."""
    begin = lines.peek(CHUNK_CHARACTERS)
    if len(begin) > MAX_ROW_CHARACTERS:
        return False
    first, _, rest = begin.partition("\n")
    if not rest.strip():
        row = _json_row(first)
        # A file may have one row, and a chunk no more than the first of its lines.
        return (
            MALFORMED not in row
            and _is_table(row)
            and len(lines.peek(len(begin) + 1)) == len(begin)
        )
    # The other lines of an object that is cut begin with spaces or a key.
    return (
        first.lstrip().startswith("{")
        and first.rstrip().endswith(("{", "[", ","))
        and rest.startswith((" ", "\t", '"'))
        and all(MALFORMED in _json_row(line) for line in rest.split("\n"))
    )


def _is_table(row: RawRow) -> bool:
    """Return whether an object has an object for each column, or a list of all rows."""
    if KNOWN_COLUMNS.isdisjoint(row):
        return any(isinstance(value, list | dict) for value in row.values())
    return all(isinstance(value, dict) and not is_message(value) for value in row.values())


def _json_row(text: str) -> RawRow:
    if not is_utf8(text):
        return {MALFORMED: NOT_UTF8}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    return values if isinstance(values, dict) else {MALFORMED: "not a JSON object"}


def _parse_integer(text: str) -> int | str:
    # `int` refuses a text of thousands of digits, and the array could not be read beyond it.
    return int(text) if len(text) < LONGEST_INTEGER else text


class ArrayText:
    """The text of a JSON array, of which only the current object is in memory."""

    _decoder = json.JSONDecoder(parse_int=_parse_integer)

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path, self._stream = path, stream
        self._text = ""
        self._is_complete = False

    def read_objects(self) -> Iterator[RawRow]:
        """Yield each object; an item that is none is malformed."""
        self._skip("[")
        while (character := self._next_character()) != "]":
            if not character:
                raise DamagedArray("the array has no end")
            values = self._decode()
            if not isinstance(values, dict):
                values = {MALFORMED: "not a JSON object"}
            yield values
            if self._next_character() not in ("]", ""):
                self._skip(",")
                if self._next_character() == "]":
                    raise DamagedArray("a comma without an item after it")
        self._skip("]")
        if self._next_character():
            raise DamagedArray("text after the end of the array")

    def _next_character(self) -> str:
        """Return the next character that is no white space, empty at the end of the file."""
        start = SPACE.match(self._text).end()  # type: ignore[union-attr]
        while start == len(self._text) and not self._is_complete:
            self._read_more()
            start = SPACE.match(self._text, start).end()  # type: ignore[union-attr]
        return self._text[start : start + 1]

    def _skip(self, expected: str) -> None:
        if self._next_character() != expected:
            raise DamagedArray(f"expected {expected}")
        self._text = self._text.lstrip(" \t\r\n")[1:]

    def _decode(self) -> object:
        self._text = self._text.lstrip(" \t\r\n")
        while True:
            try:
                values, end = self._decoder.raw_decode(self._text)
            except json.JSONDecodeError as error:
                if self._is_complete or not self._may_be_cut(error):
                    raise DamagedArray(error.msg) from error
                # As much again, so that a long item is not decoded too often.
                self._read_more(len(self._text))
                continue
            except RecursionError as error:
                raise DamagedArray("values nested too deeply") from error
            text, self._text = self._text[:end], self._text[end:]
            return values if is_utf8(text) else {MALFORMED: NOT_UTF8}

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        is_text = error.msg.startswith("Unterminated string")
        return is_text or error.pos > len(self._text) - LONGEST_WORD

    def _read_more(self, characters: int = 0) -> None:
        if len(self._text) > MAX_ROW_CHARACTERS:
            raise BadInput(
                f"{self._path}: an object of more than {MAX_ROW_CHARACTERS:,} characters. Remove "
                "it, or write the file again if it is damaged."
            )
        more = self._stream.read(max(characters, CHUNK_CHARACTERS))
        self._is_complete = not more
        self._text += more
