import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fetch_runs import (
    FIELDS,
    WINNERS,
    as_text,
    assert_refused,
    make_rows,
    read_outputs,
    run_stage,
    write_csv,
)

from preference.battles.table import BATTLE_SCHEMA
from preference.sources.parts import list_parts


def write_formats(folder, rows):
    write_csv(folder / "rows.csv", list(map(as_text, rows)))
    (folder / "rows.csv.gz").write_bytes(gzip.compress((folder / "rows.csv").read_bytes()))
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # Parquet cannot hold half a character, so its lists are text as in the CSV.
    texts = [row | {name: json.dumps(row[name]) for name in FIELDS} for row in rows]
    pq.write_table(pa.Table.from_pylist(texts), folder / "rows.parquet")


def test_every_format_gives_the_battles_that_were_written(tmp_path):
    rows = make_rows(30)
    rows[3]["response_a"] = ["x" * 5_000_000, None]
    write_formats(tmp_path, rows)
    for name in ("rows.csv", "rows.csv.gz", "rows.jsonl", "rows.parquet"):
        result = run_stage(tmp_path, "fetch", name)
        assert result.returncode == 0, result.stderr
        battles, quarantined, _ = read_outputs(tmp_path)
        assert quarantined == []
        assert battles.schema.equals(BATTLE_SCHEMA)
        for battle, row in zip(battles.to_pylist(), rows, strict=True):
            assert battle["label"] == [row[winner] for winner in WINNERS].index(1)
            assert battle["response_a"] == [row["response_a"][0], ""]
            assert battle["response_b"] == ["Café 😀", "cut \ufffd"]
            assert all(battle[same] == row[same] for same in ("id", "prompt", "model_a", "model_b"))


def test_bad_rows_are_quarantined_each_with_its_line_and_reason(tmp_path):
    changes = {
        "response_a is not a JSON list of strings": {"response_a": "['python']"},
        "two winners": dict.fromkeys(WINNERS, "1"),
        "no winner": dict.fromkeys(WINNERS, "0"),
        "unequal turns": {"prompt": '["one turn"]'},
        "duplicate id": {"id": "0"},
        "not valid UTF-8": {"response_b": '["\udcff", ""]'},
    }
    rows = list(map(as_text, make_rows(100)))
    for position, change in enumerate(changes.values(), start=10):
        rows[position] |= change
    write_csv(tmp_path / "rows.csv", rows)
    result = run_stage(tmp_path, "fetch", "rows.csv", max_quarantined=0.06)
    assert result.returncode == 0, result.stderr
    battles, quarantined, metrics = read_outputs(tmp_path)
    assert [row["reason"] for row in quarantined] == list(changes)
    assert [row["line"] for row in quarantined] == list(range(12, 18))
    assert [row["id"] for row in quarantined] == ["10", "11", "12", "13", "0", "15"]
    assert battles["id"].to_pylist() == [*range(10), *range(16, 100)]
    assert metrics["quarantine_reasons"] == dict.fromkeys(changes, 1)


def write_parts(folder, rows):
    """Write three files with the rows, in the order of their names, and files that are no parts."""
    folder.mkdir(parents=True)
    third = len(rows) // 3
    write_formats(folder, rows[third : 2 * third])
    for name in ("rows.csv", "rows.csv.gz", "rows.jsonl"):
        (folder / name).unlink()
    write_csv(folder / "first.csv", list(map(as_text, rows[:third])))
    write_csv(folder / "second.csv", list(map(as_text, rows[2 * third :])))
    (folder / "second.csv.gz").write_bytes(gzip.compress((folder / "second.csv").read_bytes()))
    (folder / "second.csv").unlink()
    (folder / ".gitignore").write_text("*")
    (folder / "_SUCCESS").touch()


def test_the_files_of_a_folder_are_one_table(tmp_path):
    rows = make_rows(30)
    rows[7] |= dict.fromkeys(WINNERS, 0)
    rows[15] |= {"response_a": ["one", "two", "three"]}
    rows[29] |= {"id": 3}
    found = {}
    for kind in ("file", "folder"):
        (tmp_path / kind).mkdir()
        # File and folder have the same name, because the table has the name of the source.
        source = tmp_path / kind / "battles.csv"
        write_parts(source, rows) if kind == "folder" else write_csv(
            source, list(map(as_text, rows))
        )
        result = run_stage(tmp_path / kind, "fetch", "battles.csv", max_quarantined=0.1)
        assert result.returncode == 0, result.stderr
        found[kind] = pq.read_table(tmp_path / kind / "data/battles.parquet")
    assert found["folder"].drop_columns("source") == found["file"].drop_columns("source")
    assert set(found["file"]["source"].to_pylist()) == {"battles.csv"}
    parts = {"first.csv", "rows.parquet", "second.csv.gz"}
    assert {Path(one).name for one in found["folder"]["source"].to_pylist()} == parts
    _, quarantined, metrics = read_outputs(tmp_path / "folder")
    assert [(row["source"], row["line"], row["reason"], row["id"]) for row in quarantined] == [
        ("battles.csv/first.csv", 9, "no winner", "7"),
        ("battles.csv/rows.parquet", 6, "unequal turns", "15"),
        (
            "battles.csv/second.csv.gz",
            11,
            "duplicate id, first in battles.csv/first.csv",
            "3",
        ),
    ]
    in_one_file = read_outputs(tmp_path / "file")[2]
    assert in_one_file["quarantine_reasons"].pop("duplicate id") == 1
    assert metrics["quarantine_reasons"].pop(quarantined[-1]["reason"]) == 1
    assert metrics == in_one_file


def test_of_an_unpacked_competition_the_file_with_labels_is_read(tmp_path):
    folder = tmp_path / "competition"
    folder.mkdir()
    write_csv(folder / "train.csv", list(map(as_text, make_rows(5))))
    (folder / "test.csv").write_text("id,prompt,response_a,response_b\n1,[],[],[]\n")
    (folder / "sample_submission.csv").write_text("id,winner_model_a\n1,0.3\n")
    result = run_stage(tmp_path, "fetch", "competition")
    assert result.returncode == 0, result.stderr
    assert len(pq.read_table(tmp_path / "data/battles.parquet")) == 5
    assert list_parts(folder) == [folder / "train.csv"]
    assert list_parts(folder, labelled=False) == [folder / "test.csv"]
    (folder / "a-competition.zip").touch()
    assert list_parts(folder) == [folder / "train.csv"]
    (folder / "mine.csv").touch()
    assert len(list_parts(folder)) == 5


def test_too_many_bad_rows_of_a_folder_name_the_file(tmp_path):
    write_parts(tmp_path / "parts", [*make_rows(20), *make_rows(10)])
    result = run_stage(tmp_path, "fetch", "parts", max_quarantined=0.3)
    message = (
        "duplicate id, first in parts/first.csv (10 rows, the first is line 2 of "
        "parts/second.csv.gz)"
    )
    assert_refused(tmp_path, result, "parts: 10 of 30 rows", message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: shutil.rmtree(folder) or folder.mkdir(), "parts has no files"),
        (lambda folder: (folder / "notes.txt").touch(), "parts/notes.txt is of an unknown kind"),
        (lambda folder: (folder / "deep.csv").mkdir(), "parts/deep.csv is not a file"),
        (lambda folder: (folder / "z.jsonl").touch(), "parts/z.jsonl is empty"),
        (lambda folder: cut(folder / "rows.parquet"), "parts/rows.parquet cannot be read beyond"),
        (lambda folder: (folder / "z.csv").write_text("id\n1\n"), "parts/z.csv lacks columns"),
    ],
)
def test_a_file_of_a_folder_that_cannot_be_read_stops_the_stage(tmp_path, change, message):
    write_parts(tmp_path / "parts", make_rows(9))
    change(tmp_path / "parts")
    assert_refused(tmp_path, run_stage(tmp_path, "fetch", "parts"), f"error: {message}")


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def test_more_bad_rows_than_allowed_stop_the_stage(tmp_path):
    rows = list(map(as_text, make_rows(100)))
    for row in rows[5:7]:
        row["winner_tie"] = row["winner_model_a"] = row["winner_model_b"] = "0"
    write_csv(tmp_path / "rows.csv", rows)
    for stale in ("data/battles.parquet", "metrics/data.json"):
        (tmp_path / stale).parent.mkdir()
        (tmp_path / stale).write_text("from an earlier run")
    result = run_stage(tmp_path, "fetch", "rows.csv", max_quarantined=0.01)
    assert_refused(
        tmp_path,
        result,
        "rows.csv: 2 of 100 rows",
        "no winner (2 rows, the first is line 7 of rows.csv)",
        "raise data.max_quarantined",
    )
    assert len((tmp_path / "data" / "quarantine.jsonl").read_text().splitlines()) == 2


def test_no_battle_at_all_stops_the_stage_whatever_is_allowed(tmp_path):
    row = {name: "" for name in make_rows(1)[0]}
    (tmp_path / "rows.jsonl").write_text((json.dumps(row) + "\n") * 3)
    result = run_stage(tmp_path, "fetch", "rows.jsonl", max_quarantined=1.0)
    assert_refused(
        tmp_path, result, "3 of 3 rows", "id is missing (3 rows, the first is line 1 of rows.jsonl)"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.csv", "missing.csv does not exist"),
        ("empty.csv", "empty.csv is empty"),
        ("column.csv", "column.csv lacks columns: winner_tie"),
    ],
)
def test_files_that_cannot_be_used_stop_the_stage(tmp_path, name, message):
    (tmp_path / "empty.csv").write_bytes(b"")
    rows = list(map(as_text, make_rows(3)))
    write_csv(tmp_path / "column.csv", rows, [name for name in rows[0] if name != "winner_tie"])
    assert_refused(tmp_path, run_stage(tmp_path, "fetch", name), f"error: {message}")


def test_stages_from_simulated_battles_to_splits_that_leak_nothing(tmp_path):
    simulated = {"battles": 500, "length_scale": 0.05}
    for stage in ("fetch", "split"):
        result = run_stage(tmp_path, stage, "simulated", simulated=simulated)
        assert result.returncode == 0, result.stderr
    battles, _, metrics = read_outputs(tmp_path)
    assert metrics["simulated"]
    assert {"oracle", "oracle_agreement"} < set(battles.column_names)
    split = json.loads((tmp_path / "metrics" / "split.json").read_text())
    assert split["shared_groups"] == split["shared_prompts"] == split["shared_answers"] == 0
    folder = tmp_path / "data" / "split"
    tables = {path.stem: pq.read_table(path) for path in folder.iterdir()}
    assert {name: len(table) for name, table in tables.items()} == {
        name: split[name]["rows"] for name in ("train", "valid", "calibration", "test")
    }
    ids = pa.concat_tables(tables.values())["id"].to_pylist()
    assert sorted(ids) == sorted(battles["id"].to_pylist())


def test_summary_of_known_battles(tmp_path):
    rows = make_rows(4)
    rows[0] |= {"prompt": ["hi"], "response_a": ["aa"], "response_b": ["aa"]}
    rows[1] |= {"prompt": [" HI"], "response_a": [None], "response_b": ["b" * 10]}
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run_stage(tmp_path, "fetch", "rows.jsonl").returncode == 0
    metrics = read_outputs(tmp_path)[2]
    assert metrics["label_shares"] == {"A": 0.5, "B": 0.25, "tie": 0.25}
    assert metrics["turns"] == {"mean": 1.5, "max": 2, "share_multi_turn": 0.5}
    assert metrics["share_repeated_prompt"] == 0.5
    assert metrics["rows_with_empty_turn"] == {"response_a": 3, "response_b": 0}
    assert metrics["rows_with_identical_answers"] == 1
    # Characters of both turns: 2, 3, and twice "question 2" and "and?".
    assert metrics["characters"]["prompt"] == {"p50": 8.5, "p90": 14.0, "p99": 14.0, "max": 14}
