"""Files of probabilities: ids come back as they were given, whatever came before them."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.judge.output_files import writing_probabilities

UUID = "3f2b8c1e-0000-4000-8000-000000000001"
PARTS = [[1, 2, None], [3], [UUID, "007"], [4, None], ['a,"b"', "0\r", "1\r\n2", "\n"]]


def write(path, parts):
    with writing_probabilities(path) as append:
        for part in parts:
            append(part, np.tile([0.5, 0.25, 0.25], (len(part), 1)))
    return path


def read_ids(path):
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        assert np.array_equal(table["winner_model_b"].to_numpy(), [0.25] * len(table))
        return table["id"].to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line)["id"] for line in path.open()]
    with path.open(newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_ids_of_any_kind_come_back_as_they_were(tmp_path, kind):
    ids = read_ids(write(tmp_path / f"a.{kind}", PARTS))
    given = [one for part in PARTS for one in part]
    if kind == "jsonl":
        assert ids == given
    else:
        missing = "" if kind == "csv" else None
        assert ids == [missing if one is None else str(one) for one in given]


def test_integers_stay_integers_in_parquet(tmp_path):
    path = write(tmp_path / "a.parquet", PARTS[:2])
    assert read_ids(path) == [1, 2, None, 3]
    assert pq.read_schema(path).field("id").type == pa.int64()
