"""Write probabilities in the form of a submission to the Kaggle competition.

The columns are `id`, `winner_model_a`, `winner_model_b` and `winner_tie`, with one row for each
battle, as CSV, Parquet or JSON Lines. An unknown id is empty in CSV, and null in the others. In
Parquet, ids are integers where all of them are, and text otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.runtime.atomic_write import writing_file
from preference.runtime.csv_rows import write_csv_rows
from preference.runtime.errors import BadInput
from preference.runtime.output_path import check_output_file
from preference.runtime.strict_json import to_json
from preference.sources.row_parser import WINNER_LABELS

COLUMNS = ("id", *WINNER_LABELS)

Ids = Sequence[int | str | None]
# Appends rows: ids [n] and probabilities, float64 [n, 3] in `LABELS` order.
Write = Callable[[Ids, np.ndarray], object]
OpenFile = Callable[[Path], AbstractContextManager[Write]]


@contextmanager
def writing_probabilities(path: Path) -> Iterator[Write]:
    """Yield a function that appends rows; the file gets its name when it is complete.

    Raises:
        BadInput: the file is of an unknown kind.
    """
    open_file = _find_writer(path)
    with writing_file(path) as partial, open_file(partial) as write:
        yield write


def check_output(path: Path, replaces_link: bool = False) -> None:
    """Check that the file can be written, before the work that it takes.

    Raises:
        BadInput: the file is of an unknown kind, or `check_output_file` refuses it.
        OSError: no file can be created there.
    """
    _find_writer(path)
    check_output_file(path, replaces_link)


def _find_writer(path: Path) -> OpenFile:
    try:
        return WRITERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(WRITERS)
        raise BadInput(f"{path} is of an unknown kind. Let it end in one of {known}.") from None


@contextmanager
def _open_csv(path: Path) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as stream:
        write_csv_rows(stream, [COLUMNS])
        yield lambda ids, probabilities: write_csv_rows(stream, _rows(ids, probabilities))


@contextmanager
def _open_json_lines(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as stream:
        yield lambda ids, probabilities: stream.writelines(
            to_json(dict(zip(COLUMNS, row, strict=True))) for row in _rows(ids, probabilities)
        )


@contextmanager
def _open_parquet(path: Path) -> Iterator[Write]:
    with ExitStack() as files:
        yield ParquetRows(path, files).append


class ParquetRows:
    """Append rows to a Parquet file, whose ids become text with the first id that is text.

    Args:
        path: the new file.
        files: closes the file that is written.
    """

    def __init__(self, path: Path, files: ExitStack) -> None:
        self._path, self._files = path, files
        self._ids_are_text = False
        self._writer = self._open()

    def append(self, ids: Ids, probabilities: np.ndarray) -> None:
        """Append rows: ids [n] and probabilities, float64 [n, 3]."""
        if not self._ids_are_text and any(isinstance(one, str) for one in ids):
            self._turn_ids_into_text()
        if self._ids_are_text:
            ids = [None if one is None else str(one) for one in ids]
        schema = _parquet_schema(self._ids_are_text)
        columns = [pa.array(ids, schema.field("id").type), *probabilities.T]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    def _open(self) -> pq.ParquetWriter:
        # As an open file, because pyarrow refuses a name that is not valid UTF-8.
        stream = self._files.enter_context(self._path.open("wb"))
        schema = _parquet_schema(self._ids_are_text)
        return self._files.enter_context(pq.ParquetWriter(stream, schema))

    def _turn_ids_into_text(self) -> None:
        """Write the rows so far again, one row group at a time, with ids as text."""
        self._ids_are_text = True
        self._files.close()
        with self._path.open("rb") as written, pq.ParquetFile(written) as source:
            self._path.unlink()
            self._writer = self._open()
            schema = _parquet_schema(self._ids_are_text)
            for group in range(source.num_row_groups):
                self._writer.write_table(source.read_row_group(group).cast(schema))


def _parquet_schema(ids_are_text: bool) -> pa.Schema:
    id_type = pa.string() if ids_are_text else pa.int64()
    return pa.schema([("id", id_type), *((name, pa.float64()) for name in WINNER_LABELS)])


def _rows(ids: Ids, probabilities: np.ndarray) -> Iterator[list[int | str | float | None]]:
    for one, row in zip(ids, probabilities.tolist(), strict=True):
        yield [one, *row]


WRITERS: dict[str, OpenFile] = {
    ".csv": _open_csv,
    ".parquet": _open_parquet,
    ".jsonl": _open_json_lines,
}
