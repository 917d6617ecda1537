"""Read numbered lines of a text file, in which a row takes one line or, in CSV, several.

Guarantees
1. A row that is too long raises an error before it fills the memory: a small compressed file may
   contain one.
2. Lines that were read as part of a malformed row can be read again, each a limited number of
   times.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from preference.runtime.errors import BadInput

# In characters. The longest answers of the real battles have about 60,000.
MAX_ROW_CHARACTERS = 2**25
MAX_ROW_LINES = 2**16
MAX_READS = 8


@dataclass
class Line:
    """A line of the file, with its line break, and how often it has been read."""

    number: int
    text: str
    reads: int = 0


class SourceLines:
    """Iterate over lines, and record those of the current row.

    Args:
        path: the file, named in errors.
        stream: the open file, with `newline=""`, so that line breaks are kept.

    Raises:
        BadInput: a row has more than `MAX_ROW_CHARACTERS` characters or `MAX_ROW_LINES` lines.
    """

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path, self._stream = path, stream
        self._row: list[Line] = []
        self._ahead: deque[Line] = deque()
        self._lines_read = self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._read_line()
        self._row.append(line)
        line.reads += 1
        self._characters += len(line.text)
        if self._characters > MAX_ROW_CHARACTERS or len(self._row) > MAX_ROW_LINES:
            raise BadInput(
                f"{self._path}, line {self.row_line}: a row of more than {MAX_ROW_CHARACTERS:,} "
                f"characters or {MAX_ROW_LINES:,} lines. Remove it, or write the file again if it "
                "is damaged or has all rows on one line."
            )
        return line.text

    @property
    def row_line(self) -> int:
        """The number of the line at which the current row starts."""
        return self._row[0].number

    def begin_row(self) -> None:
        """Start a new row with the next line."""
        self._row, self._characters = [], 0

    def peek(self, characters: int) -> str:
        """Return the next lines, of about so many characters, without moving on."""
        missing = characters - sum(len(line.text) for line in self._ahead)
        with suppress(StopIteration):
            while missing > 0:
                self._ahead.append(self._read_line())
                missing -= len(self._ahead[-1].text)
        return "".join(line.text for line in self._ahead)

    def read_again(self) -> None:
        """Go back to the second line of the row, unless a line was read `MAX_READS` times."""
        if all(line.reads < MAX_READS for line in self._row[1:]):
            self._ahead.extendleft(reversed(self._row[1:]))

    def _read_line(self) -> Line:
        text = self._stream.readline(MAX_ROW_CHARACTERS + 1)
        if not text:
            raise StopIteration
        self._lines_read += 1
        return Line(self._lines_read, text)
