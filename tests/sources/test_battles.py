"""The battles table is written and read a batch at a time."""

import json
from itertools import count, islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battles import table as battles
from preference.battles.table import BATTLE_SCHEMA, scan_battles
from preference.battles.writing import writing_battles
from preference.runtime.errors import BadInput
from preference.sources import ingest as battle_table
from preference.sources.ingest import parse_battles
from preference.sources.source import BattleSource


def raw_row(number):
    texts = {name: json.dumps([f"{name} {number}"]) for name in BATTLE_SCHEMA.names[1:4]}
    return {"id": number, **texts, "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}


def parse(rows, quarantined):
    return parse_battles([BattleSource("rows", {"rows": rows})], BATTLE_SCHEMA, quarantined)


def test_a_batch_is_given_before_the_rows_after_it_are_read(monkeypatch):
    """The source has no end, so that a parser that reads it all would never give a batch."""
    monkeypatch.setattr(battle_table, "BATCH_ROWS", 10)
    rows = ((number, raw_row(number)) for number in count())
    batches = list(islice(parse(rows, []), 3))
    assert [batch["id"].to_pylist() for batch in batches] == [
        list(range(start, start + 10)) for start in (0, 10, 20)
    ]
    assert next(rows)[0] == 30


def test_long_battles_make_short_batches(tmp_path, monkeypatch):
    lengths = [30, 30, 1, 200, 5, 60, 39, 2]
    rows = [raw_row(number) | {"prompt": ["x" * length]} for number, length in enumerate(lengths)]
    answers = len("response_a 0") + len("response_b 0")
    monkeypatch.setattr(battle_table, "BATCH_CHARACTERS", 100 + 2 * answers)
    batches = list(parse(enumerate(rows, start=1), []))
    # With the answers, 30 + 30 + 1 are too few, and so are 5 + 60.
    assert [batch["id"].to_pylist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6], [7]]
    with writing_battles(tmp_path / "battles.parquet", BATTLE_SCHEMA) as writer:
        for batch in batches:
            writer.write_batch(batch)
    scanned = list(scan_battles(tmp_path / "battles.parquet", ["id", "prompt"], "scan"))
    assert list(map(len, scanned)) == [4, 3, 1]
    assert [len(turn) for batch in scanned for (turn,) in batch["prompt"].to_pylist()] == lengths


def test_a_duplicate_id_is_found_however_far_apart(monkeypatch):
    monkeypatch.setattr(battle_table, "BATCH_ROWS", 10)
    rows = [*map(raw_row, range(95)), raw_row(0), raw_row(94)]
    quarantined = []
    batches = list(parse(enumerate(rows, start=2), quarantined))
    assert [len(batch) for batch in batches] == [10] * 9 + [5]
    assert [(row.line, row.reason, row.id) for row in quarantined] == [
        (97, "duplicate id", "0"),
        (98, "duplicate id", "94"),
    ]


def write(path, numbers, batch_rows):
    rows = list(enumerate(map(raw_row, numbers)))
    table = pa.Table.from_batches(parse(rows, []))
    with writing_battles(path, BATTLE_SCHEMA) as writer:
        for batch in table.to_batches(max_chunksize=batch_rows):
            writer.write_batch(batch)


def test_what_is_written_in_batches_is_scanned_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(battles, "BATTLES_A_BATCH", 4)
    path = tmp_path / "data" / "battles.parquet"
    numbers = [5, 3, 9, -1, 0, 7, 8, 30, 20, 11]
    write(path, numbers, batch_rows=3)
    scanned = list(scan_battles(path, ["id", "response_b"], "scan"))
    assert max(map(len, scanned)) <= 4
    table = pa.Table.from_batches(scanned)
    assert table.to_pydict() == {
        "id": numbers,
        "response_b": [[f"response_b {number}"] for number in numbers],
    }
    assert pq.read_schema(path).equals(BATTLE_SCHEMA)


def test_a_table_that_was_not_finished_is_not_left(tmp_path):
    path = tmp_path / "battles.parquet"
    batch = next(parse([(1, raw_row(1))], []))
    with (
        pytest.raises(BadInput, match="cut short"),
        writing_battles(path, BATTLE_SCHEMA) as writer,
    ):
        writer.write_batch(batch)
        raise BadInput("cut short")
    assert list(tmp_path.iterdir()) == []


def test_scanning_a_missing_table(tmp_path):
    with pytest.raises(BadInput, match="dvc repro fetch"):
        list(scan_battles(tmp_path / "battles.parquet", ["id"], "scan"))
