"""Turn raw rows into batches of battles, and set aside those that are no battles.

Guarantees
1. Every row read is either in a batch or in the quarantine, and never in both.
2. Ids are unique over all sources: of several battles with one id the first is kept.
3. Of the rows before the current batch no more than their ids is held, and a batch has at most
   `BATCH_ROWS` battles and, but for its last one, `BATCH_CHARACTERS` characters.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from tqdm import tqdm

from preference.battles.table import SEGMENTS
from preference.runtime.terminal_text import LONGEST_TASK, one_line
from preference.sources.arena_release import ID_COLUMNS, to_kaggle_row
from preference.sources.ids import number_extra_battle
from preference.sources.quarantine import QuarantinedRow
from preference.sources.row_parser import NotABattle, RawRow, parse_battle
from preference.sources.source import BattleSource

# What is held as Python objects at one time, and a row group of the file. Battles of real length
# reach the rows first; a batch of a column with 2 GiB of text is more than Arrow takes.
BATCH_ROWS = 8192
BATCH_CHARACTERS = 2**26
LONGEST_ID = 40


def parse_battles(
    sources: Iterable[BattleSource], schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[pa.RecordBatch]:
    """Yield the battles among the rows of the sources, showing progress on stderr.

    Args:
        sources: where the rows are from, in the order in which they are read.
        schema: `BATTLE_SCHEMA`, or extends it by columns that are taken from the raw row as they
            are.
        quarantined: the rows that are no battles are appended to it.
    """
    for chunk in _cut(_parse_rows(sources, schema, quarantined)):
        yield pa.RecordBatch.from_pylist(chunk, schema)


def _cut(battles: Iterable[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """Yield lists of consecutive battles, each of a bounded size."""
    chunk, characters = [], 0
    for battle in battles:
        chunk.append(battle)
        characters += sum(len(turn) for segment in SEGMENTS for turn in battle[segment])
        if len(chunk) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _parse_rows(
    sources: Iterable[BattleSource], schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[dict[str, object]]:
    """Yield the battles among the rows, and append the other rows to `quarantined`."""
    ids = set()
    for source, part, line, row in _read_rows(sources):
        try:
            battle = _parse_row(row, source)
            if battle["id"] in ids:
                raise NotABattle("duplicate id")
        except NotABattle as problem:
            quarantined.append(QuarantinedRow(part, line, str(problem), _readable_id(row)))
            continue
        ids.add(battle["id"])
        yield {name: battle[name] if name in battle else row[name] for name in schema.names}


def _read_rows(
    sources: Iterable[BattleSource],
) -> Iterator[tuple[BattleSource, str, int, RawRow]]:
    """Yield each row with its source, the name of its part, and its line."""
    for source in sources:
        for part, rows in source.parts.items():
            for line, row in tqdm(rows, desc=one_line(f"read {part}", LONGEST_TASK), unit=" rows"):
                yield source, part, line, row


def _parse_row(row: RawRow, source: BattleSource) -> dict[str, object]:
    battle = {**parse_battle(to_kaggle_row(row)), "source": source.name}
    if source.extra:
        battle["id"] = number_extra_battle(source.name, battle["id"])
    return battle


def _readable_id(row: RawRow) -> str | None:
    """Return the id as the source has it, which is where one looks for the row."""
    value = next((row[name] for name in ID_COLUMNS if row.get(name) is not None), None)
    return str(value)[:LONGEST_ID] if isinstance(value, str | int) else None
