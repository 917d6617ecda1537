"""Collect raw rows into the battles table, and set aside those that are no battles.

Guarantees
1. Every row read is either in the table or in the quarantine, and never in both.
2. Ids are unique: of several battles with one id the first is kept.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa
from tqdm import tqdm

from preference.battle_rows import NotABattle, RawRow, parse_battle
from preference.quarantine import QuarantinedRow

BATCH_ROWS = 1024
LONGEST_ID = 40

NumberedRows = Iterable[tuple[int, RawRow]]


def collect_battles(rows: NumberedRows, schema: pa.Schema) -> tuple[pa.Table, list[QuarantinedRow]]:
    """Parse numbered raw rows into a table of `schema`, showing progress on stderr.

    `schema` is `BATTLE_SCHEMA`, or extends it by columns that are taken from the raw row as they
    are. The numbers are line numbers, for the quarantine.
    """
    quarantined: list[QuarantinedRow] = []
    battles = _parse_rows(tqdm(rows, desc="read", unit=" rows"), schema, quarantined)
    batches = []
    # In batches, because as Python objects a million battles would need many times the memory.
    while chunk := list(islice(battles, BATCH_ROWS)):
        batches.append(pa.RecordBatch.from_pylist(chunk, schema))
    return pa.Table.from_batches(batches, schema), quarantined


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
