"""Open a file with battles, and report what is wrong with one that cannot be read."""

import csv
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from preference.runtime.errors import BadInput
from preference.sources.containers import (
    COMPRESSIONS,
    JSON,
    PARQUET,
    TEXT_SUFFIXES,
    member_to_read,
    open_packed_parquet,
    open_text,
    suffix_of,
)
from preference.sources.csv_rows import read_csv_rows
from preference.sources.json_rows import DamagedArray, read_json_array, read_json_lines
from preference.sources.parquet_rows import read_parquet_rows
from preference.sources.row_parser import RawRow, replace_lone_surrogates
from preference.sources.schemas.recognition import SchemaFinder
from preference.sources.schemas.schema import Schema
from preference.sources.schemas.table import SCHEMAS

CSV_SUFFIXES = (".csv", ".tsv")
# UnicodeDecodeError: a file in a zip or a column has a name that is not valid UTF-8.
# NotImplementedError: zipfile does not know the compression method.
READING_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    csv.Error,
    DamagedArray,
    pa.ArrowException,
    zipfile.BadZipFile,
    UnicodeDecodeError,
    NotImplementedError,
)


def read_source_rows(
    path: Path,
    labelled: bool = True,
    named_by: str = "params.yaml",
    schemas: Sequence[Schema] = SCHEMAS,
    unread: Counter[str] | None = None,
) -> Iterator[tuple[int, RawRow]]:
    """Return an iterator over the rows, each with the line at which it starts.

    In Parquet and in a JSON array, it is the number of the row. The rows have the columns of the
    Kaggle schema, whichever schema the file has; one that cannot be converted is malformed. Memory
    does not grow with the file.

    Args:
        path: the file.
        labelled: whether labels are needed and read.
        named_by: where the user gave the path, for errors.
        schemas: those that the file may have.
        unread: when all rows are read, the columns that were not are added, with their rows.

    Raises:
        BadInput: at once, if the file is missing, a folder, empty or of an unknown kind; while the
            rows are read, if it is damaged, has no rows or lacks columns of every schema.
    """
    _check_file(path, named_by)
    counter: Counter[str] = Counter() if unread is None else unread
    return _read_rows(path, labelled, named_by, schemas, counter)


def is_readable(path: Path) -> bool:
    """Return whether the name of a file is that of a kind that can be read."""
    return suffix_of(path.name) != ""


def _read_rows(
    path: Path,
    labelled: bool,
    named_by: str,
    schemas: Sequence[Schema],
    unread: Counter[str],
) -> Iterator[tuple[int, RawRow]]:
    rows_read = 0
    finder = SchemaFinder(path, labelled, schemas)

    def count_rows() -> Iterator[tuple[int, RawRow]]:
        # The finder reads many rows before it returns the first one.
        nonlocal rows_read
        for numbered_row in _read_raw_rows(path, labelled, finder):
            rows_read += 1
            yield numbered_row

    try:
        yield from finder.convert(count_rows())
    except READING_ERRORS as error:
        raise BadInput(
            f"{path} cannot be read beyond row {rows_read} ({error}). It may be damaged or cut "
            "short: download or write it again."
        ) from error
    if rows_read == 0:
        raise BadInput(f"{path} has no rows. Put battles into it, or correct {named_by}.")
    for name, count in finder.unread.items():
        unread[replace_lone_surrogates(name)] += count


def _read_raw_rows(
    path: Path, labelled: bool, finder: SchemaFinder
) -> Iterator[tuple[int, RawRow]]:
    member = member_to_read(labelled)
    if suffix_of(path.name) == PARQUET:
        yield from read_parquet_rows(path, finder)
        return
    with open_packed_parquet(path, member) as packed:
        if packed is not None:
            yield from read_parquet_rows(packed, finder)
            return
    suffix, stream = open_text(path, member)
    with stream:
        if suffix in CSV_SUFFIXES:
            yield from read_csv_rows(path, stream, finder)
        else:
            yield from (read_json_array if suffix == JSON else read_json_lines)(path, stream)


def _check_file(path: Path, named_by: str) -> None:
    if not path.exists():
        raise BadInput(f"{path} does not exist. Put the file there, or correct {named_by}.")
    if not path.is_file():
        raise BadInput(f"{path} is not a file. Name a file, or correct {named_by}.")
    if not is_readable(path):
        kinds = ", ".join((*TEXT_SUFFIXES, PARQUET))
        raise BadInput(
            f"{path} is of an unknown kind. Convert it to one of {kinds}, of which all but "
            f"{PARQUET} may be compressed as {', '.join(COMPRESSIONS)}, and {PARQUET} as .zip."
        )
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty. Download or write it again.")
