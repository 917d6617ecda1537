"""Write the table of battles, batch by batch.

Whether some battle has soft labels or a weight is known when all have been read. Then the table is
written once more with their columns; a table that needs none has the bytes that it always had.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from preference.battles.soft_labels import SHARES, SOFT_FIELDS, WEIGHT, find_soft, read_shares
from preference.runtime.atomic_write import writing_file

COMPRESSION = "zstd"


@contextmanager
def writing_battles(path: Path, schema: pa.Schema) -> Iterator["BattleWriter"]:
    """Open a new table, to be written batch by batch. It is written atomically.

    Args:
        path: the Parquet file.
        schema: `BATTLE_SCHEMA` or `SIMULATED_SCHEMA`.

    Yields:
        The writer.
    """
    with writing_file(path) as partial:
        writer = BattleWriter(partial, schema)
        with writer.file:
            yield writer
        if needed := writer.needed_columns():
            plain = partial.with_name("plain.parquet")
            partial.rename(plain)
            _write_with(needed, plain, partial)
            plain.unlink()


class BattleWriter:
    """Writes batches, which may have the columns `shares` and `weight`, to a file without them."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.file = pq.ParquetWriter(path, schema, compression=COMPRESSION)
        self._names = schema.names
        self._columns: dict[str, list[pa.Array]] = {field.name: [] for field in SOFT_FIELDS}
        self._needed = dict.fromkeys(self._columns, False)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write the next row group."""
        self.file.write_batch(batch.select(self._names))
        if SHARES in batch.schema.names:
            for name, column in self._columns.items():
                column.append(batch[name])
            self._needed[SHARES] |= bool(find_soft(read_shares(batch[SHARES])).any())
            self._needed[WEIGHT] |= bool(np.any(batch[WEIGHT].to_numpy() != 1))

    def needed_columns(self) -> dict[str, list[pa.Array]]:
        """Return the columns that some battle needs, an array for each row group."""
        return {name: column for name, column in self._columns.items() if self._needed[name]}


def _write_with(columns: dict[str, list[pa.Array]], plain: Path, path: Path) -> None:
    """Write the row groups of the file `plain` with further columns."""
    fields = [field for field in SOFT_FIELDS if field.name in columns]
    with pq.ParquetFile(plain, pre_buffer=False) as source:
        schema = pa.schema([*source.schema_arrow, *fields])
        with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
            for group in range(source.num_row_groups):
                table = source.read_row_group(group)
                for field in fields:
                    table = table.append_column(field, columns[field.name][group])
                writer.write_table(table.cast(schema))
