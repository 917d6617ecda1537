"""Write rows of CSV in which any text can stand."""

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO


def write_csv_rows(stream: TextIO, rows: Iterable[Sequence[object]]) -> None:
    """Append rows that end with a line feed.

    Before Python 3.13, the module csv does not quote a carriage return, which readers take for the
    end of a row. A row with one is quoted as a whole.
    """
    plain = csv.writer(stream, lineterminator="\n")
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        needs_quotes = any(isinstance(value, str) and "\r" in value for value in row)
        (quoted if needs_quotes else plain).writerow(row)
