"""Hostile rows and files through fetch and predict: none is an error of ours, and no row is lost.

    make fuzz     # 10,000 files; `make test` has some hundreds of the same

How many rows a file has is known from how it was written, or counted here with gzip and pyarrow.
"""

import gzip
import io
import json
import re
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest
from fetch_runs import WINNERS
from hostile_files import (
    COLUMNS,
    WRITERS,
    broken_lines,
    damaged_files,
    hostile_fields,
    hostile_json_line,
    hostile_tables,
    intact_text,
    release_lines,
    rows_among_intact,
    to_csv,
)
from hostile_runs import UNIFORM, is_refused, make_folders, run_fetch, run_predict
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundle import write_bundle

from preference.judge import predict_file as file_prediction

reproducible = settings(derandomize=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_folders(tmp_path_factory, WRITERS)


def check(folders, name, content, intact, rows=None):
    """Run both on the content.

    Args:
        intact: rows that no damage has reached; they must come out as they are.
        rows: how many there are; None where that cannot be said from outside.
    """
    (folders[name] / name).write_bytes(content)
    fetched, predicted = run_fetch(folders[name], name), run_predict(folders[name], name)
    if fetched is not None:
        kept, quarantined = fetched
        if rows is not None:
            assert len(kept) + len(quarantined) == rows
        by_id = {row["id"]: row for row in kept}
        assert len(by_id) == len(kept)
        for row in intact:
            assert by_id[row["id"]]["prompt"] == row["prompt"]
            assert by_id[row["id"]]["label"] == [row[name] for name in WINNERS].index(1)
    if predicted is not None:
        ids, probabilities = predicted
        if rows is not None:
            assert len(ids) == rows
        found = dict(zip(ids, probabilities, strict=True))
        assert all(found[str(row["id"])] == UNIFORM for row in intact)
    return fetched, predicted


def check_rows(folders, name, content, intact, rows):
    """Where only values are hostile, the file is refused where no row is left, and else never."""
    fetched, predicted = check(folders, name, content, intact, rows)
    if intact:
        assert fetched is not None and predicted is not None


@given(rows_among_intact(hostile_fields))
@reproducible
def test_hostile_values_in_csv(folders, rows):
    lines = [fields or [intact_text(row)[name] for name in COLUMNS] for row, fields in rows]
    intact = [row for row, fields in rows if fields is None]
    check_rows(folders, "battles.csv", to_csv([COLUMNS, *lines]), intact, len(rows))


@given(rows_among_intact(hostile_json_line))
@reproducible
def test_hostile_values_in_json_lines(folders, rows):
    lines = [line or json.dumps(row) for row, line in rows]
    intact = [row for row, line in rows if line is None]
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")
    check_rows(folders, "battles.jsonl", content, intact, len(rows))


@given(release_lines())
@reproducible
def test_hostile_values_in_a_release(folders, file):
    content, rows, intact = file
    (folders["battles.jsonl"] / "battles.jsonl").write_bytes(content)
    fetched = run_fetch(folders["battles.jsonl"], "battles.jsonl")
    if fetched is None:
        assert not intact
    else:
        kept, quarantined = fetched
        assert len(kept) + len(quarantined) == rows
        assert sum(row["prompt"][0].startswith("q ") for row in kept) >= intact


@given(hostile_tables())
@reproducible
def test_columns_of_other_types_in_parquet(folders, file):
    content, rows = file
    check(folders, "battles.parquet", content, [], rows)


@given(rows_among_intact(lambda row: broken_lines))
@reproducible
def test_broken_lines_in_csv_cost_no_other_row(folders, rows):
    lines = [
        to_csv([[intact_text(row)[name] for name in COLUMNS]]) if line is None else line + b"\n"
        for row, line in rows
    ]
    intact = [row for row, line in rows if line is None]
    content = to_csv([COLUMNS]) + b"".join(lines)
    fetched, predicted = check(folders, "battles.csv", content, intact)
    # A quote that is still open where the file ends looks like a file cut short.
    if rows[-1][1] is None:
        assert fetched is not None and predicted is not None


def count_rows(name, content, path):
    """Count the rows of a file that may be damaged, where that can be done without our reader."""
    if name.endswith(".parquet"):
        return pq.read_metadata(path).num_rows
    if ".jsonl" in name:
        text = gzip.decompress(content) if name.endswith(".gz") else content
        if text[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in text[:4]:
            return None
        lines = io.TextIOWrapper(io.BytesIO(text), "utf-8-sig", "surrogateescape", "").read()
        return sum(bool(line.strip()) for line in re.split("\r\n|\r|\n", lines))
    return None


@given(damaged_files())
@reproducible
def test_damaged_files(folders, file):
    name, content, rows, is_whole = file
    if is_whole:
        check_rows(folders, name, content, rows, len(rows))
        return
    fetched, predicted = check(folders, name, content, rows_left_whole(name, content, rows))
    for found in (fetched and [*fetched[0], *fetched[1]], predicted and predicted[0]):
        if found:
            assert len(found) == (count_rows(name, content, folders[name] / name) or len(found))


def rows_left_whole(name, content, rows):
    """Return the rows whose lines are still in the text, and of which there is no damaged copy."""
    # Without its name, the column of the ids is not read.
    header = rb"(\xef\xbb\xbf)?[\r\n]*" + re.escape(to_csv([COLUMNS]))
    if name == "battles.csv" and not re.match(header, content):
        return []
    lines = {
        "battles.csv": lambda row: to_csv([[intact_text(row)[column] for column in COLUMNS]]),
        "battles.jsonl": lambda row: json.dumps(row).encode() + b"\n",
    }
    return [
        row
        for row in rows
        if name in lines
        and b"\n" + lines[name](row) in content
        and content.count(str(row["id"]).encode()) == 1
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("model") / "small")


@settings(max_examples=5, derandomize=True)
@given(rows_among_intact(hostile_json_line), st.booleans())
def test_hostile_values_reach_the_model(folders, model, rows, both_orders):
    folder = folders["battles.jsonl"]
    lines = [line or json.dumps(row) for row, line in rows]
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")
    (folder / "battles.jsonl").write_bytes(content)
    output = folder / "out.parquet"
    output.unlink(missing_ok=True)
    predict = partial(
        file_prediction.predict_file, model, folder / "battles.jsonl", output, both_orders
    )
    if is_refused(predict, "battles.jsonl"):
        assert not any(line is None for _, line in rows)
        return
    table = pq.read_table(output)
    assert len(table) == len(rows)
    assert np.column_stack([table[name] for name in WINNERS]).sum(axis=1) == pytest.approx(1)
    found = table["id"].to_pylist()
    assert [one for one, (_, line) in zip(found, rows, strict=True) if line is None] == [
        row["id"] for row, line in rows if line is None
    ]
