"""Files of the predictions of one shard, and what has to agree before they are joined.

A file is Parquet, with one row group for each block and the columns `row` (the number of the row in
the input, counted from 1), `id` as text, and the probabilities. Its metadata have a `ShardRecord`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from preference.battles.predictions import are_probabilities
from preference.config.validation import Count, Sha256, checked
from preference.judge.shard import MOST_SHARDS, Shard
from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import check_values, parse_json, to_json
from preference.sources.row_parser import WINNER_LABELS, parse_id

FORMAT = 1
RECORD = b"preference.shard"
# Someone else may have written a shard: a block is in memory at once.
LARGEST_BLOCK = 2**16
SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        *(pa.field(name, pa.float64(), nullable=False) for name in WINNER_LABELS),
    ]
)

Ids = Sequence[int | str | None]


@checked
class InputFile:
    """The size in bytes and the hash of a file of the input."""

    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


@checked
class ShardRecord:
    """What a shard was predicted from.

    `model` is the path of the bundle and `model_sha256` the hash of its `bundle.json`, which has
    the hashes of its other files. `input` is the path of the input, and `files` has its files by
    name. `rows` is the number of all rows of the input, also those of other shards; `unreadable`
    counts those of this shard that are not battles, by reason. `computed_by` has the versions of
    the libraries and the processor.
    """

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    number: Count
    count: Annotated[Count, Field(le=MOST_SHARDS)]
    block_rows: Annotated[Count, Field(le=LARGEST_BLOCK)]
    model: str
    model_sha256: Sha256
    both_orders: bool
    input: str
    files: Mapping[str, InputFile]
    rows: Count
    unreadable: Mapping[str, Count]
    computed_by: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.number > self.count:
            raise ValueError(f"shard {self.number} of {self.count}")

    @property
    def blocks(self) -> range:
        """The numbers of the shard's blocks, counted from 0."""
        return range(self.number - 1, -(-self.rows // self.block_rows), self.count)

    def rows_of(self, block: int) -> np.ndarray:
        """Return the numbers of the rows of a block, counted from 1, int64 [rows]."""
        begin = block * self.block_rows
        return np.arange(begin, min(begin + self.block_rows, self.rows)) + 1


class ShardWriter:
    """Append the blocks of a shard in their order.

    Args:
        shard: whose blocks they are.
        block_rows: the rows of each block but the last of the file.
        writer: of the new file.
    """

    def __init__(self, shard: Shard, block_rows: int, writer: pq.ParquetWriter) -> None:
        self._shard, self._block_rows, self._writer = shard, block_rows, writer
        self._block = shard.number - 1

    def append(self, ids: Ids, probabilities: np.ndarray) -> None:
        """Append a block: ids [n] and probabilities, float64 [n, 3]."""
        numbers = np.arange(len(ids)) + self._block * self._block_rows + 1
        texts = pa.array([None if one is None else str(one) for one in ids], pa.string())
        columns = [pa.array(numbers), texts, *map(pa.array, probabilities.T)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
        self._block += self._shard.count

    def finish(self, record: ShardRecord) -> None:
        """Add the record, which is known when all rows have been read."""
        self._writer.add_key_value_metadata({RECORD.decode(): to_json(asdict(record))})


@contextmanager
def writing_shard(path: Path, shard: Shard, block_rows: int) -> Iterator[ShardWriter]:
    """Yield a writer; the file gets its name when it is complete."""
    with (
        writing_file(path) as partial,
        # As an open file, because pyarrow refuses a name that is not valid UTF-8.
        partial.open("wb") as stream,
        pq.ParquetWriter(stream, SCHEMA, write_page_checksum=True) as writer,
    ):
        yield ShardWriter(shard, block_rows, writer)


class ShardReader:
    """A complete shard.

    Args:
        path: its file, for errors.
        file: the open file.
        record: its record.
    """

    def __init__(self, path: Path, file: pq.ParquetFile, record: ShardRecord) -> None:
        self.path, self.record, self._file = path, record, file

    def read_blocks(self) -> Iterator[tuple[list[int | str | None], np.ndarray]]:
        """Yield ids [n] and probabilities, float64 [n, 3], of each block.

        Raises:
            BadInput: the file is damaged, or a row is not probabilities.
        """
        for group, block in enumerate(self.record.blocks):
            with refusing_damage(self.path):
                table = self._read_table(group, block)
                probabilities = np.column_stack([table[name].to_numpy() for name in WINNER_LABELS])
                if not are_probabilities(probabilities):
                    raise ValueError(f"a row of block {block + 1} is not probabilities")
                # The id was parsed before it was written, and is parsed to the same once more.
                ids = [None if one is None else parse_id(one) for one in table["id"].to_pylist()]
            yield ids, probabilities

    def _read_table(self, group: int, block: int) -> pa.Table:
        rows = self.record.rows_of(block)
        # Counted before they are read, because any number of equal rows needs no room in a file.
        if self._file.metadata.row_group(group).num_rows == len(rows):
            table = self._file.read_row_group(group)
            if np.array_equal(table["row"], rows):
                return table
        raise ValueError(f"it lacks rows of block {block + 1}")


@contextmanager
def reading_shard(path: Path) -> Iterator[ShardReader]:
    """Open a shard.

    Raises:
        BadInput: the file is missing, damaged, or that of no shard.
    """
    if not path.is_file():
        raise BadInput(f"{path} does not exist. Correct the path, or predict the shard first.")
    with path.open("rb") as stream:
        with refusing_damage(path):
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            record = _read_record(file)
        yield ShardReader(path, file, record)


def is_shard(path: Path) -> bool:
    """Return whether there is a file that `reading_shard` opens."""
    try:
        with reading_shard(path):
            return True
    except (BadInput, OSError):
        return False


def _read_record(file: pq.ParquetFile) -> ShardRecord:
    content = (file.metadata.metadata or {}).get(RECORD)
    if content is None or not file.schema_arrow.equals(SCHEMA):
        raise ValueError("it is no file of `predict --shard`")
    record = check_values(ShardRecord, parse_json(content))
    if file.num_row_groups != len(record.blocks):
        raise ValueError(f"it has {file.num_row_groups} of {len(record.blocks)} blocks")
    return record


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Report a file that cannot be read as a shard.

    Raises:
        BadInput: the block raised an error.
    """
    try:
        yield
    # pyarrow raises OSError and its own errors, which are ValueErrors, for damaged files.
    except (ValueError, OSError, pa.ArrowException) as error:
        raise BadInput(
            f"{path} cannot be joined ({error}). Predict this shard again with `--shard`."
        ) from error
