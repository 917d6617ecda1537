"""Read rows of a CSV file, one at a time."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from preference.sources.csv_dialect import DoubledQuotes, find_dialect
from preference.sources.line_reader import MAX_ROW_CHARACTERS, SourceLines
from preference.sources.row_parser import MALFORMED, NOT_UTF8, RawRow, is_utf8
from preference.sources.schemas.recognition import SchemaFinder
from preference.sources.schemas.table import ID_COLUMNS, KNOWN_COLUMNS

SAMPLE_CHARACTERS = 2**16


def read_csv_rows(path: Path, stream: TextIO, finder: SchemaFinder) -> Iterator[tuple[int, RawRow]]:
    """Yield each row with the line at which it starts. Blank lines are skipped."""
    # The default limit of the csv module, 128 KiB, is too small; `SourceLines` has its own limit.
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    lines = SourceLines(path, stream)
    dialect = find_dialect(lines.peek(SAMPLE_CHARACTERS), KNOWN_COLUMNS)
    if dialect.is_named:
        next(lines)
        lines.begin_row()
    quoted = DoubledQuotes(lines) if dialect.has_backslashes else None
    # Strict, because otherwise a stray quote silently swallows the rows after it.
    reader = csv.reader(quoted or lines, strict=True, delimiter=dialect.separator)
    header = next(reader, [])
    columns = finder.columns_among(header)
    while True:
        lines.begin_row()
        if quoted:
            quoted.begin_row()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # A quote is still open at the end of the file: the download was probably cut short.
            if "unexpected end of data" in str(error):
                raise
            yield lines.row_line, {MALFORMED: "not valid CSV"}
            # The text after a quote that is never closed may hold complete rows.
            lines.read_again()
            continue
        if _is_header(fields, header):
            # As files have that were joined by `cat`.
            yield lines.row_line, {MALFORMED: "the header once more"}
        elif fields:
            yield lines.row_line, _csv_row(header, fields, columns)


def _is_header(fields: Sequence[str], header: Sequence[str]) -> bool:
    # Excel begins each file with a byte-order mark.
    return (
        fields[:1] != []
        and fields[0].strip('\ufeff" ') == header[0].strip()
        and ([field.strip() for field in fields[1:]] == [name.strip() for name in header[1:]])
    )


def _csv_row(header: Sequence[str], fields: Sequence[str], columns: frozenset[str]) -> RawRow:
    named = zip(header, fields, strict=False)
    row = {name: field for name, field in named if name in columns}
    if len(fields) != len(header):
        return {**_id_of(row), MALFORMED: "wrong number of fields"}
    if not all(map(is_utf8, row.values())):
        return {**_id_of(row), MALFORMED: NOT_UTF8}
    return row


def _id_of(row: RawRow) -> RawRow:
    return {name: row[name] for name in ID_COLUMNS if name in row}
