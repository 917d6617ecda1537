"""The files in ../shared/cases, each read as its README.md says."""

import json

import pytest
from repository import REPOSITORY

from preference.runtime.errors import BadInput
from preference.sources.parts import list_parts
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import parse_battle, parse_conversations

CASES = REPOSITORY.parent / "shared" / "cases"
DATA = REPOSITORY.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is missing")
# The number of battles for training, and of those for prediction.
READ = {
    "01-float-ids.csv": (40, 40),
    "02-kaggle-competition.zip": (40, 3),
    "03-mt-bench-one-judgment.parquet": (10, 10),
    "04-no-ties.csv": (40, 40),
    "05-semicolon.csv": (40, 40),
    "05c-utf16.csv": (40, 40),
    "07-nan-model-name.jsonl": (40, 40),
    "09-hh-rlhf.jsonl": (40, 40),
    "10-uuid-ids.csv": (40, 40),
    "10b-33k-release-to-predict.jsonl": (40, 40),
    "10d-one-uuid-one-integer.csv": (0, 2),
    "11-plain-text-turns.csv": (40, 40),
    "14-spark-backslash.csv": (40, 40),
    "16-system-message.jsonl": (40, 40),
    "17-test.csv.zip": (0, 40),
    "18-array.json": (40, 40),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read(name):
    labelled, unlabelled = READ[name]
    if labelled:
        battles = [parse_battle(row) for _, row in read_source_rows(CASES / name)]
        assert len(battles) == labelled
        assert all(all(battle["prompt"]) for battle in battles)
    rows = read_source_rows(CASES / name, labelled=False)
    assert len([parse_conversations(row) for _, row in rows]) == unlabelled


def test_lists_as_numpy_prints_them_are_refused():
    with pytest.raises(BadInput, match="column prompt holds lists as Python or NumPy prints them"):
        next(read_source_rows(CASES / "13-numpy-repr.csv"))


def test_the_data_of_a_hubs_folder_are_read():
    (part,) = list_parts(CASES / "12-hf-dataset-folder")
    assert len([parse_battle(row) for _, row in read_source_rows(part)]) == 40


@pytest.mark.parametrize(
    ("name", "rows"),
    [("hh_helpful_base_test.jsonl.gz", 2354), ("hh_harmless_base_test.jsonl.gz", 2312)],
)
def test_every_pair_of_hh_rlhf_is_a_battle(name, rows):
    battles = [parse_battle(row) for _, row in read_source_rows(DATA / name)]
    assert len(battles) == rows
    share_of_a = sum(battle["label"] == 0 for battle in battles) / rows
    assert abs(share_of_a - 0.5) < 0.02


def test_pandalm_agrees_with_an_independent_count():
    import gzip

    path = DATA / "pandalm_testset_v1.json.gz"
    rows = json.loads(gzip.decompress(path.read_bytes()))
    read = list(read_source_rows(path))
    # Six answers are the JSON value true.
    refused = {row["idx"] for row in rows if True in (row["response1"], row["response2"])}
    assert len(read) == len(rows) == 999
    for (_, row), raw in zip(read, rows, strict=True):
        if raw["idx"] not in refused:
            votes = sorted(raw[f"annotator{number}"] for number in (1, 2, 3))
            # The middle one of three is that of the majority.
            assert parse_battle(row)["label"] == {1: 0, 2: 1, 0: 2}[votes[1]]
    assert len(refused) == 6
