"""Read rows of a Parquet file, one at a time."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from preference.sources.row_parser import MALFORMED, NOT_UTF8, RawRow
from preference.sources.schemas.recognition import SchemaFinder

BATCH_ROWS = 256
NOT_READABLE = "a value that cannot be read"


def read_parquet_rows(file: Path | IO[bytes], finder: SchemaFinder) -> Iterator[tuple[int, RawRow]]:
    """Yield each row with its number, counted from 1."""
    # `pre_buffer` would load whole row groups, which often are the whole file.
    with pq.ParquetFile(file, pre_buffer=False, buffer_size=2**20) as source:
        names = source.schema_arrow.names
        chosen = finder.columns_among(names)
        columns = [name for name in names if name in chosen]
        batches = source.iter_batches(BATCH_ROWS, columns=columns)
        yield from enumerate(chain.from_iterable(map(_batch_rows, batches)), start=1)


def _batch_rows(batch: pa.RecordBatch) -> Iterable[RawRow]:
    try:
        return batch.to_pylist()
    # For example a time that is too large for a Python object.
    except (ValueError, OverflowError) as error:
        if len(batch) == 1:
            is_text = isinstance(error, UnicodeDecodeError)
            return [{MALFORMED: NOT_UTF8 if is_text else NOT_READABLE}]
        return chain.from_iterable(_batch_rows(batch.slice(row, 1)) for row in range(len(batch)))
