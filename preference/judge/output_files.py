"""Write probabilities in the form of a submission to the Kaggle competition.

The columns are `id`, `winner_model_a`, `winner_model_b` and `winner_tie`, with one row for each
battle, as CSV, Parquet or JSON Lines. An unknown id is empty in CSV, and null in the others.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.output_path import check_output_file
from preference.runtime.strict_json import to_json
from preference.sources.row_parser import WINNER_LABELS

COLUMNS = ("id", *WINNER_LABELS)
SCHEMA = pa.schema([("id", pa.int64()), *((name, pa.float64()) for name in WINNER_LABELS)])

Ids = Sequence[int | None]
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
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield lambda ids, probabilities: writer.writerows(_rows(ids, probabilities))


@contextmanager
def _open_json_lines(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as stream:
        yield lambda ids, probabilities: stream.writelines(
            to_json(dict(zip(COLUMNS, row, strict=True))) for row in _rows(ids, probabilities)
        )


@contextmanager
def _open_parquet(path: Path) -> Iterator[Write]:
    # As an open file, because pyarrow refuses a name that is not valid UTF-8.
    with path.open("wb") as stream, pq.ParquetWriter(stream, SCHEMA) as writer:
        yield lambda ids, probabilities: writer.write_batch(
            pa.RecordBatch.from_arrays([pa.array(ids, pa.int64()), *probabilities.T], schema=SCHEMA)
        )


def _rows(ids: Ids, probabilities: np.ndarray) -> Iterator[list[int | float | None]]:
    for one, row in zip(ids, probabilities.tolist(), strict=True):
        yield [one, *row]


WRITERS: dict[str, OpenFile] = {
    ".csv": _open_csv,
    ".parquet": _open_parquet,
    ".jsonl": _open_json_lines,
}
