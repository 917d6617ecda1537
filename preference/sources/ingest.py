"""Parse raw rows into batches of battles, and quarantine the rows that are no battles.

Guarantees
1. Every row read is either in a batch or in the quarantine, and never in both.
2. Ids are unique over all sources: the first of several battles with the same id is kept. Where a
   source has no ids, equal rows are battles of their own.
3. Only the keys of earlier batches stay in memory. A batch has at most `BATCH_ROWS` battles, and
   without its last battle fewer than `BATCH_CHARACTERS` characters.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

import pyarrow as pa
from tqdm import tqdm

from preference.battles.soft_labels import SHARES
from preference.runtime.terminal_text import LONGEST_TASK, one_line
from preference.sources.ids import number_extra_battle, number_repetition
from preference.sources.quarantine import QuarantinedRow
from preference.sources.row_parser import (
    KEYED_BY_CONTENT,
    Battle,
    NotABattle,
    RawRow,
    parse_battle,
)
from preference.sources.source import BattleSource

# A batch is held as Python objects, and becomes a row group of the file. Battles of real length
# reach the limit of rows first. Arrow does not take 2 GiB of text in one column of a batch.
BATCH_ROWS = 8192
BATCH_CHARACTERS = 2**26
LONGEST_ID = 40
NOT_READ = "soft labels and weights are not read here"


def parse_battles(
    sources: Iterable[BattleSource], schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[pa.RecordBatch]:
    """Yield the battles among the rows of the sources, showing progress on stderr.

    Args:
        sources: the sources, in the order in which they are read.
        schema: `BATTLE_SCHEMA`, which may have further columns, whose values are copied from the
            raw row, and those of `with_soft_labels`. Without these, a row with soft labels or a
            weight is no battle.
        quarantined: a list to which the rows that cannot be read as battles are appended.
    """
    rows: list[dict[str, object]] = []
    characters = 0
    for battle, row in _parse_rows(sources, schema, quarantined):
        rows.append(row)
        characters += _count_characters(battle)
        if len(rows) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield pa.RecordBatch.from_pylist(rows, schema)
            rows, characters = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema)


def _count_characters(battle: Battle) -> int:
    turns = chain(battle["prompt"], battle["response_a"], battle["response_b"])
    return sum(map(len, turns))


def _parse_rows(
    sources: Iterable[BattleSource], schema: pa.Schema, quarantined: list[QuarantinedRow]
) -> Iterator[tuple[Battle, dict[str, object]]]:
    """Yield each battle with its row of the table, and append the other rows to `quarantined`."""
    keys = BattleKeys()
    for source, part, line, row in _read_rows(sources):
        try:
            battle = _parse_row(row, source)
            _check_hard(battle, schema)
            battle["id"] = keys.add(battle["id"], part, bool(row.get(KEYED_BY_CONTENT)))
        except NotABattle as problem:
            quarantined.append(QuarantinedRow(part, line, str(problem), _readable_id(row)))
            continue
        values = {**row, **battle, "source": part}
        yield battle, {name: values[name] for name in schema.names}


class BattleKeys:
    """The keys of all battles so far, each with the file that it was first read from."""

    def __init__(self) -> None:
        self._parts: dict[int, str] = {}
        self._repetitions: Counter[int] = Counter()

    def add(self, key: int, part: str, may_repeat: bool) -> int:
        """Add a battle, and return its key, which is another one where content is repeated.

        Raises:
            NotABattle: the key is that of an earlier battle, and may not be repeated.
        """
        if key in self._parts:
            if not may_repeat:
                first = self._parts[key]
                raise NotABattle("duplicate id" + (f", first in {first}" if first != part else ""))
            self._repetitions[key] += 1
            key = number_repetition(key, self._repetitions[key])
        self._parts[key] = part
        return key


def _read_rows(
    sources: Iterable[BattleSource],
) -> Iterator[tuple[BattleSource, str, int, RawRow]]:
    """Yield each row with its source, the name of its part, and its line."""
    for source in sources:
        for part, rows in source.parts.items():
            for line, row in tqdm(rows, desc=one_line(f"read {part}", LONGEST_TASK), unit=" rows"):
                yield source, part, line, row


def _parse_row(row: RawRow, source: BattleSource) -> Battle:
    battle = parse_battle(row)
    if source.extra:
        battle["id"] = number_extra_battle(source.name, battle["id"])
    return battle


def _check_hard(battle: Battle, schema: pa.Schema) -> None:
    """Raise an error where the schema has no place for the shares or the weight of a battle."""
    is_hard = max(battle["shares"]) == 1 and battle["weight"] == 1
    if not is_hard and SHARES not in schema.names:
        raise NotABattle(NOT_READ)


def _readable_id(row: RawRow) -> str | None:
    """Return the id as it stands in the source, where a user looks for the row."""
    value = row.get("id")
    return str(value)[:LONGEST_ID] if isinstance(value, str | int) else None
