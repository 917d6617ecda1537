"""Turn raw rows into batches of battles, and set aside those that are no battles.

Guarantees
1. Every row read is either in a batch or in the quarantine, and never in both.
2. Ids are unique: of several battles with one id the first is kept.
3. Of the rows before the current batch no more than their ids is held.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa
from tqdm import tqdm

from preference.battle_rows import NotABattle, RawRow, parse_battle
from preference.quarantine import QuarantinedRow

# What is held as Python objects at one time, and a row group of the file.
BATCH_ROWS = 8192
LONGEST_ID = 40

NumberedRows = Iterable[tuple[int, RawRow]]


def parse_battles(
    rows: NumberedRows, schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[pa.RecordBatch]:
    """Yield the battles among numbered raw rows, showing progress on stderr.

    Args:
        rows: raw rows with their line numbers.
        schema: `BATTLE_SCHEMA`, or extends it by columns that are taken from the raw row as they
            are.
        quarantined: the rows that are no battles are appended to it.
    """
    battles = _parse_rows(tqdm(rows, desc="read", unit=" rows"), schema, quarantined)
    while chunk := list(islice(battles, BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(chunk, schema)


def _parse_rows(
    rows: NumberedRows, schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[dict[str, object]]:
    """Yield the battles among the rows, and append the other rows to `quarantined`."""
    ids = set()
    for line, row in rows:
        try:
            battle = parse_battle(row)
            if battle["id"] in ids:
                raise NotABattle("duplicate id")
        except NotABattle as problem:
            quarantined.append(QuarantinedRow(line, str(problem), _readable_id(row)))
            continue
        ids.add(battle["id"])
        yield {name: battle[name] if name in battle else row[name] for name in schema.names}


def _readable_id(row: RawRow) -> str | None:
    value = row.get("id")
    return str(value)[:LONGEST_ID] if isinstance(value, str | int) else None
