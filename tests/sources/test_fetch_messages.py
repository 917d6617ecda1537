"""What `fetch` says on the terminal."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fetch_runs import WINNERS, make_rows, write_csv
from repository import REPOSITORY
from schema_rows import PAIRS, write_lines

from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import fetch


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run fetch on a source in a folder of its own; return what it says."""

    def run_fetch(source):
        params = read_yaml(REPOSITORY / "params.yaml")
        params["data"] |= {"source": source, "max_quarantined": 0.5}
        write_yaml(tmp_path / "params.yaml", params)
        monkeypatch.chdir(tmp_path)
        fetch.main()
        return capsys.readouterr().err

    return run_fetch


def test_quarantined_rows_are_counted_with_the_first_of_each_reason(run, tmp_path):
    rows = make_rows(9)
    rows[3] |= dict.fromkeys(WINNERS, 0)
    rows[5] |= dict.fromkeys(WINNERS, 0)
    rows[7]["id"] = 0
    (tmp_path / "parts").mkdir()
    write_lines(tmp_path / "parts" / "a.jsonl", rows[:6])
    write_lines(tmp_path / "parts" / "b.jsonl", rows[6:])
    assert (
        "parts: 3 of 9 rows cannot be read as battles: no winner (2 rows, the first is line 4 of "
        "parts/a.jsonl); duplicate id, first in parts/a.jsonl (1 row, the first is line 2 of "
        "parts/b.jsonl). data/quarantine.jsonl lists all of them."
    ) in run("parts")


def test_a_source_without_ties_is_reported(run, tmp_path):
    write_lines(tmp_path / "pairs.jsonl", [PAIRS["messages"]] * 2)
    assert "no ties: A or B wins every battle of pairs.jsonl." in run("pairs.jsonl")
    metrics = json.loads((tmp_path / "metrics" / "data.json").read_text())
    assert metrics["label_shares"]["tie"] == 0


def test_a_clean_source_with_ties_says_nothing_of_either(run, tmp_path):
    write_lines(tmp_path / "rows.jsonl", make_rows(9))
    said = run("rows.jsonl")
    assert "no ties" not in said and "cannot be read" not in said


def test_battles_are_counted_and_what_is_odd_in_them_is_named(run, tmp_path):
    rows = [
        {"prompt": f"q {number}", "response_a": "x", "response_b": "y", "winner": "a"}
        for number in range(8)
    ]
    rows[1]["winner"] = rows[2]["winner"] = "tie"
    rows[3]["response_a"] = ""
    rows[4]["response_a"] = None
    rows[5]["response_b"] = "x"
    rows[6]["winner"] = "left"
    write_lines(tmp_path / "votes.jsonl", rows)
    said = run("votes.jsonl")
    assert "7 of 8 rows are battles: A 71.4%, B 0.0%, tie 28.6%." in said
    assert "battles with an empty turn, which are kept: response_a in 2." in said
    assert "battles whose answers are the same, which are kept: 1." in said
    write_lines(tmp_path / "votes.jsonl", rows[:3])
    assert "are kept" not in run("votes.jsonl")


@pytest.mark.parametrize("name", ["malformed", "keyed by content"])
def test_a_column_may_have_any_name(run, tmp_path, name):
    write_lines(tmp_path / "rows.jsonl", [row | {name: False} for row in make_rows(9)])
    assert "9 of 9 rows are battles" in run("rows.jsonl")


def test_a_source_that_is_neither_file_nor_name_gets_the_names(run):
    message = r"arena_55k does not exist\. .* one of simulated \(.*\), arena55k \(.*\), kaggle \("
    with pytest.raises(BadInput, match=message):
        run("arena_55k")


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.parquet", "pairs.csv"])
def test_columns_that_are_not_read_are_named_and_counted(run, tmp_path, name):
    rows = [
        {"prompt": f"q {number}", "chosen": "a", "rejected": "b", "score_chosen": 8.5}
        for number in range(4)
    ]
    if name == "pairs.jsonl":
        write_lines(tmp_path / name, [*rows, {**rows[0], "note": "x"}])
    elif name == "pairs.parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    else:
        write_csv(tmp_path / name, rows)
    more = ["note"] if name == "pairs.jsonl" else []
    named = ", ".join([*more, "score_chosen"])
    assert f"{name}: columns that are not read: {named}." in run(name)
    metrics = json.loads((tmp_path / "metrics" / "data.json").read_text())
    expected = {"note": 1, "score_chosen": 5} if more else {"score_chosen": 4}
    assert metrics["sources"][name]["columns_not_read"] == expected
