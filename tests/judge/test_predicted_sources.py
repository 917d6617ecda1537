"""Prediction reads what training reads. The judge is no model, because only reading counts."""

import csv
from pathlib import Path
from unittest import mock

import pytest
from hostile_runs import Judge
from repository import REPOSITORY
from schema_rows import PAIRS, PLAIN, annotated, say, write_lines

from preference.judge import predict_file as file_prediction
from preference.runtime.errors import BadInput

CASES = REPOSITORY.parent / "shared" / "cases"


def predict(source, output):
    with mock.patch.object(file_prediction.PreferenceJudge, "load", return_value=Judge()):
        file_prediction.predict_file(Path("none"), source, output)
    with output.open(newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream)]


RELEASE = {"conversation_a": say("q", "a"), "conversation_b": say("q", "b"), "winner": "tie"}


@pytest.mark.parametrize(
    ("row", "ids"),
    [
        (PLAIN, ["1", "2"]),
        (PLAIN | {"id": "3f2b"}, ["3f2b", "3f2b"]),
        (PAIRS["messages"], ["1", "2"]),
        (RELEASE | {"question_id": "5821ab"}, ["5821ab", "5821ab"]),
        (RELEASE | {"question_id": 81, "turn": 1}, ["81", "81"]),
        (annotated(1, idx=7), ["7", "7"]),
    ],
)
def test_a_schema_that_can_be_trained_on_can_be_predicted(tmp_path, row, ids):
    source = write_lines(tmp_path / "a.jsonl", [row, row])
    assert predict(source, tmp_path / "out.csv") == ids


def test_a_hubs_folder_is_predicted_in_the_order_of_its_files(tmp_path, capsys):
    (tmp_path / "set" / "data").mkdir(parents=True)
    (tmp_path / "set" / "README.md").write_text("# A data set")
    write_lines(tmp_path / "set" / "data" / "b.jsonl", [PLAIN | {"id": "later"}])
    write_lines(
        tmp_path / "set" / "data" / "a.jsonl", [PLAIN | {"id": 1}, PLAIN | {"id": 2, "prompt": {}}]
    )
    assert predict(tmp_path / "set", tmp_path / "out.csv") == ["1", "2", "later"]
    assert "a.jsonl, line 2: prompt is not text" in capsys.readouterr().err


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty has no files\. Put .*, or correct INPUT"):
        predict(tmp_path / "empty", tmp_path / "out.csv")


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is missing")
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("02-kaggle-competition.zip", None),
        ("10b-33k-release-to-predict.jsonl", "0" * 32),
        ("10d-one-uuid-one-integer.csv", "1"),
        ("12-hf-dataset-folder", None),
        ("17-test.csv.zip", None),
    ],
)
def test_shared_cases_are_predicted(tmp_path, name, first):
    ids = predict(CASES / name, tmp_path / "out.csv")
    assert len(ids) == len(set(ids))
    assert first is None or ids[0] == first
    if name.startswith("10d"):
        assert ids == ["1", "3f2b8c1e-0000-4000-8000-000000000001"]
