"""Read raw rows of CSV, JSON Lines and Parquet files, one at a time.

The columns are those of the Kaggle schema or of an Arena release, whichever the file has. Memory
does not grow with the file, and no archive is unpacked to disk. A row that cannot be parsed is
yielded with the reason under the key `MALFORMED`, so that the rows after it can be read. A damaged
file raises the error of the library that reads it.
"""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from preference.runtime.errors import BadInput
from preference.sources.arena_release import CONVERSATIONS, ID_COLUMNS, RELEASE_COLUMNS
from preference.sources.line_reader import MAX_ROW_CHARACTERS, SourceLines
from preference.sources.row_parser import MALFORMED, SOURCE_COLUMNS, RawRow

PARQUET_BATCH_ROWS = 256
NOT_UTF8 = "not valid UTF-8"
NOT_READABLE = "a value that cannot be read"
KNOWN_COLUMNS = {*SOURCE_COLUMNS, *RELEASE_COLUMNS, *ID_COLUMNS}
# The file of the Kaggle archive that has battles with labels.
ARCHIVE_MEMBER = "train.csv"
ENCRYPTED_FLAG = 0x1


def read_csv_rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, RawRow]]:
    """Yield each row with the line at which it starts. Blank lines are skipped."""
    # The default limit of the csv module, 128 KiB, is too small; `SourceLines` has its own limit.
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    with _open_text(path) as stream:
        lines = SourceLines(path, stream)
        # Strict, because otherwise a stray quote silently swallows the rows after it.
        reader = csv.reader(lines, strict=True)
        header = next(reader, [])
        _check_columns(path, header, required)
        while True:
            lines.begin_row()
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
            if fields:
                yield lines.row_line, _csv_row(header, fields)


def read_json_rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, RawRow]]:
    """Yield the object on each line with the line's number. Blank lines are skipped.

    `required` is not checked: each object has its own keys, which the row parser checks.
    """
    with _open_text(path) as stream:
        lines = SourceLines(path, stream)
        for text in lines:
            if text.strip():
                yield lines.row_line, _json_row(text)
            lines.begin_row()


def read_parquet_rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, RawRow]]:
    """Yield each row with its number, counted from 1."""
    # `pre_buffer` would load whole row groups, which often are the whole file.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as source:
        names = source.schema_arrow.names
        _check_columns(path, names, required)
        columns = [name for name in names if name in KNOWN_COLUMNS]
        batches = source.iter_batches(PARQUET_BATCH_ROWS, columns=columns)
        yield from enumerate(chain.from_iterable(map(_batch_rows, batches)), start=1)


def _csv_row(header: Sequence[str], fields: Sequence[str]) -> RawRow:
    named = zip(header, fields, strict=False)
    row = {name: field for name, field in named if name in KNOWN_COLUMNS}
    if len(fields) != len(header):
        return {**_id_of(row), MALFORMED: "wrong number of fields"}
    if not all(map(_is_utf8, row.values())):
        return {**_id_of(row), MALFORMED: NOT_UTF8}
    return row


def _id_of(row: RawRow) -> RawRow:
    return {name: row[name] for name in ID_COLUMNS if name in row}


def _json_row(text: str) -> RawRow:
    if not _is_utf8(text):
        return {MALFORMED: NOT_UTF8}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return {MALFORMED: "not a JSON object"}
    return {name: value for name, value in values.items() if name in KNOWN_COLUMNS}


def _batch_rows(batch: pa.RecordBatch) -> Iterable[RawRow]:
    try:
        return batch.to_pylist()
    # For example a time that is too large for a Python object.
    except (ValueError, OverflowError) as error:
        if len(batch) == 1:
            is_text = isinstance(error, UnicodeDecodeError)
            return [{MALFORMED: NOT_UTF8 if is_text else NOT_READABLE}]
        return chain.from_iterable(_batch_rows(batch.slice(row, 1)) for row in range(len(batch)))


def _open_text(path: Path) -> TextIO:
    # Invalid UTF-8 becomes surrogates, so that the row that has it can be found.
    return io.TextIOWrapper(
        _open_bytes(path), encoding="utf-8-sig", errors="surrogateescape", newline=""
    )


def _open_bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    name = path.name.lower()
    if name.endswith(".zip"):
        return _open_archive_member(path)
    return gzip.open(path) if name.endswith(".gz") else path.open("rb")


def _open_archive_member(path: Path) -> IO[bytes]:
    # The member stays readable after the archive is closed.
    with zipfile.ZipFile(path) as archive:
        if ARCHIVE_MEMBER not in archive.namelist():
            raise BadInput(f"{path} holds no {ARCHIVE_MEMBER}. Unpack it, and name the file in it.")
        if archive.getinfo(ARCHIVE_MEMBER).flag_bits & ENCRYPTED_FLAG:
            raise BadInput(f"{path} is encrypted. Unpack it, and name the file in it.")
        return archive.open(ARCHIVE_MEMBER)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_columns(path: Path, names: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in _required_columns(names, required) if name not in names]
    if missing:
        raise BadInput(f"{path} lacks columns: {', '.join(missing)}. Add or rename them.")
    repeated = sorted(name for name in KNOWN_COLUMNS if list(names).count(name) > 1)
    if repeated:
        raise BadInput(f"{path} has columns twice: {', '.join(repeated)}. Remove one of each.")


def _required_columns(names: Sequence[str], required: Sequence[str]) -> Sequence[str]:
    # A release is read for its labelled battles alone; without labels, the Kaggle schema is needed.
    if "winner_tie" not in required or not any(name in names for name in CONVERSATIONS):
        return required
    ids = [name for name in ID_COLUMNS if name in names]
    return (*(ids or ID_COLUMNS[:1]), *RELEASE_COLUMNS)
