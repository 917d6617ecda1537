"""Open a file with battles, and report what is wrong with one that cannot be read."""

import csv
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from preference.runtime.errors import BadInput
from preference.sources.formats import read_csv_rows, read_json_rows, read_parquet_rows
from preference.sources.row_parser import REQUIRED_COLUMNS, RawRow

ReadRows = Callable[[Path, Sequence[str]], Iterator[tuple[int, RawRow]]]
READERS: dict[str, ReadRows] = {
    ".csv": read_csv_rows,
    ".csv.gz": read_csv_rows,
    ".zip": read_csv_rows,
    ".parquet": read_parquet_rows,
    ".jsonl": read_json_rows,
    ".jsonl.gz": read_json_rows,
}
# UnicodeDecodeError: a file in a zip or a column has a name that is not valid UTF-8.
# NotImplementedError: zipfile does not know the compression method.
READING_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    csv.Error,
    pa.ArrowException,
    zipfile.BadZipFile,
    UnicodeDecodeError,
    NotImplementedError,
)


def read_source_rows(
    path: Path, required: Sequence[str] = REQUIRED_COLUMNS, named_by: str = "params.yaml"
) -> Iterator[tuple[int, RawRow]]:
    """Return an iterator over the rows, each with the line at which it starts.

    In Parquet, it is the number of the row. Only the columns of the Kaggle schema or of an Arena
    release are read, with their values unchanged. Memory does not grow with the file.

    Args:
        path: the file.
        required: the columns that it must have, `id` among them.
        named_by: where the user gave the path, for errors.

    Raises:
        BadInput: at once, if the file is missing, a folder, empty or of an unknown kind; while the
            rows are read, if it is damaged, has no rows or lacks required columns.
    """
    return _read_rows(path, READERS[_find_extension(path, named_by)], required, named_by)


def _read_rows(
    path: Path, read_rows: ReadRows, required: Sequence[str], named_by: str
) -> Iterator[tuple[int, RawRow]]:
    rows_read = 0
    try:
        for numbered_row in read_rows(path, required):
            rows_read += 1
            yield numbered_row
    except READING_ERRORS as error:
        raise BadInput(
            f"{path} cannot be read beyond row {rows_read} ({error}). It may be damaged or cut "
            "short: download or write it again."
        ) from error
    if rows_read == 0:
        raise BadInput(f"{path} has no rows. Put battles into it, or correct {named_by}.")


def _find_extension(path: Path, named_by: str) -> str:
    if not path.exists():
        raise BadInput(f"{path} does not exist. Put the file there, or correct {named_by}.")
    if not path.is_file():
        raise BadInput(f"{path} is not a file. Name a file, or correct {named_by}.")
    for extension in READERS:
        if path.name.lower().endswith(extension):
            break
    else:
        raise BadInput(f"{path} is of an unknown kind. Convert it to one of {', '.join(READERS)}.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty. Download or write it again.")
    return extension
