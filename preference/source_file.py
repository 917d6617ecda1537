"""Open a file in the Kaggle schema, and tell what is wrong with one that cannot be read."""

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from preference.battle_rows import RawRow
from preference.errors import BadInput
from preference.source_formats import read_csv_rows, read_json_rows, read_parquet_rows

READERS = {
    ".csv": read_csv_rows,
    ".csv.gz": read_csv_rows,
    ".parquet": read_parquet_rows,
    ".jsonl": read_json_rows,
    ".jsonl.gz": read_json_rows,
}
DAMAGED = (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException)


def read_source_rows(path: Path) -> Iterator[tuple[int, RawRow]]:
    """Yield each row with the line of the file at which it starts (in Parquet, its number).

    Only the columns of the Kaggle schema are read, and their values are passed on as they are.
    Memory does not grow with the file.

    Raises:
        BadInput: the file is missing, a folder, of an unknown kind, empty, damaged or without
            rows, or lacks columns.
    """
    read_rows = READERS[_find_extension(path)]
    rows_read = 0
    try:
        for numbered_row in read_rows(path):
            rows_read += 1
            yield numbered_row
    except DAMAGED as error:
        raise BadInput(
            f"{path} cannot be read beyond row {rows_read} ({error}). It may be damaged or cut "
            "short: download or write it again."
        ) from error
    if rows_read == 0:
        raise BadInput(f"{path} has no rows. Put battles into it, or correct data.source.")


def _find_extension(path: Path) -> str:
    if not path.exists():
        raise BadInput(f"{path} does not exist. Put the file there, or correct data.source.")
    if not path.is_file():
        raise BadInput(f"{path} is not a file. Let data.source name a file.")
    for extension in READERS:
        if path.name.lower().endswith(extension):
            break
    else:
        raise BadInput(f"{path} is of an unknown kind. Convert it to one of {', '.join(READERS)}.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty. Download or write it again.")
    return extension
