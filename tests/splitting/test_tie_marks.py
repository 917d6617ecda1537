"""Which sources have no ties, and how the splits say so."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battles.splits import HAS_TIES, read_has_ties, read_split_battles
from preference.battles.table import TIE
from preference.splitting.tie_marks import find_has_ties, mark_has_ties


def test_a_file_without_a_tie_is_a_source_without_ties():
    sources = pa.chunked_array([["votes", "pairs", "votes"], ["pairs", "votes", "more"]])
    has_ties = find_has_ties(sources, np.array([0, 1, TIE, 0, 1, TIE]))
    assert has_ties.tolist() == [True, False, True, False, True, True]


def test_the_parts_of_one_table_are_one_source():
    """A table that is sorted by its labels has parts in which no tie occurs."""
    parts = [f"hub/train-0000{number}-of-00003.parquet" for number in range(3)]
    sources = pa.chunked_array([[*parts, "hub/test-00000-of-00001.parquet"]])
    assert find_has_ties(sources, np.array([0, 1, TIE, 0])).tolist() == [True, True, True, False]


@pytest.fixture
def splits():
    return {
        "train": pa.table({"id": [5, 7], "group": [0, 1]}),
        "test": pa.table({"id": [6], "group": [2]}),
    }


def test_each_battle_of_a_split_is_marked(splits, tmp_path):
    ids, has_ties = np.array([7, 6, 5, 4]), np.array([True, False, False, True])
    marked = mark_has_ties(splits, ids, has_ties)
    assert marked["train"][HAS_TIES].to_pylist() == [False, True]
    assert marked["test"][HAS_TIES].to_pylist() == [False]
    pq.write_table(pa.table({"id": ids[::-1], "label": [0, 1, 2, 0]}), tmp_path / "battles")
    pq.write_table(marked["train"], tmp_path / "train")
    battles = read_split_battles(tmp_path / "battles", tmp_path / "train", ("label",))
    assert read_has_ties(battles).tolist() == [False, True]


def test_with_ties_everywhere_the_splits_are_as_they_were(splits):
    marked = mark_has_ties(splits, np.array([5, 6, 7]), np.ones(3, bool))
    assert marked == splits
    assert read_has_ties(marked["train"]).tolist() == [True, True]
