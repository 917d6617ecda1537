"""The lines of a text file, numbered, where a row takes one line or, in CSV, several.

Guarantees
1. A row that is too long stops the reading before it fills the memory, as a small compressed file
   may be unpacked to one.
2. The lines that a row took by mistake can be read again, and each is read a limited number of
   times.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from preference.runtime.errors import BadInput

# Characters. The longest answers among the real battles have some 60,000.
LONGEST_ROW = 2**25
MOST_LINES = 2**16
MOST_READS = 8


@dataclass
class Line:
    """A line with its end, its number, and how often it has been read."""

    number: int
    text: str
    reads: int = 0


class SourceLines:
    """Iterate over the lines, and know which of them the current row has taken.

    Args:
        path: of the file, for errors.
        stream: opened so that it does not translate the ends of lines.

    Raises:
        BadInput: a row has more than `LONGEST_ROW` characters, or `MOST_LINES` lines.
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
        if self._characters > LONGEST_ROW or len(self._row) > MOST_LINES:
            raise BadInput(
                f"{self._path}, line {self.row_line}: a row of more than {LONGEST_ROW:,} "
                f"characters or {MOST_LINES:,} lines. Remove it, or write the file again if it is "
                "damaged."
            )
        return line.text

    @property
    def row_line(self) -> int:
        """The number of the line at which the current row starts."""
        return self._row[0].number

    def begin_row(self) -> None:
        """Take the lines that follow for those of a new row."""
        self._row, self._characters = [], 0

    def read_again(self) -> None:
        """Go back to the second line of the current row, unless its lines were read too often."""
        if all(line.reads < MOST_READS for line in self._row[1:]):
            self._ahead.extendleft(reversed(self._row[1:]))

    def _read_line(self) -> Line:
        text = self._stream.readline(LONGEST_ROW + 1)
        if not text:
            raise StopIteration
        self._lines_read += 1
        return Line(self._lines_read, text)
