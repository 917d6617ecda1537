"""Battles that are chosen by id are those that reading all and filtering gives."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battles.splits import read_split_battles
from preference.battles.table import read_battles


@pytest.fixture
def table(tmp_path):
    """Battles in several row groups, with ids in no order."""
    ids = np.random.default_rng(0).permutation(1000) - 500
    columns = {"label": ids % 3, "prompt": [[f"prompt {number}"] for number in ids], "id": ids}
    battles = pa.table(columns).cast(
        pa.schema(
            [
                pa.field("label", pa.int8(), nullable=False),
                pa.field("prompt", pa.list_(pa.string()), nullable=False),
                pa.field("id", pa.int64(), nullable=False),
            ]
        )
    )
    pq.write_table(battles, tmp_path / "battles.parquet", row_group_size=300)
    return tmp_path / "battles.parquet"


@pytest.mark.parametrize(
    "ids", [[], [-500], [499], [7, -3, 250, 7], [1000, -1000, 5], range(-500, 500)]
)
def test_the_battles_are_those_of_the_whole_table(table, ids):
    columns = ("id", "label", "prompt")
    everything = read_battles(table, columns)
    expected = everything.filter(pa.array(np.isin(everything["id"].to_numpy(), list(ids))))
    found = read_battles(table, columns, np.array(ids, dtype="int64"))
    assert found.schema.equals(expected.schema)
    assert found.to_pylist() == expected.to_pylist()


@pytest.mark.parametrize(("most", "rows"), [(None, range(9)), (9, range(9)), (3, [0, 4, 8])])
def test_of_a_larger_split_battles_are_evenly_spaced(table, tmp_path, most, rows):
    ids = np.arange(100, 10, -10)
    pq.write_table(pa.table({"id": ids, "group": ids}), tmp_path / "split.parquet")
    read = read_split_battles(table, tmp_path / "split.parquet", ("prompt",), most=most)
    assert read["id"].to_pylist() == read["group"].to_pylist() == ids[list(rows)].tolist()
    assert read["prompt"].to_pylist() == [[f"prompt {number}"] for number in ids[list(rows)]]
