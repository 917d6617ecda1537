"""Raw predictions are read as they were written, with what they were made with."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from preference.battles.predictions import (
    Origin,
    Predictions,
    check_origin,
    read_origin,
    read_predictions,
    write_predictions,
    write_raw_predictions,
)
from preference.runtime.errors import BadInput

STAGE = "predict@exp1"
ORIGIN = Origin(experiment="1" * 64, weights="2" * 64, seq_len=512)
TRUNCATED = np.array([True, False, False, True])


@pytest.fixture
def predictions():
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(3), size=(2, 4))
    return Predictions(np.array([7, 3, 2**40, 1]), rows[0], rows[1])


@pytest.fixture
def path(predictions, tmp_path):
    path = tmp_path / "seed-1" / "test.parquet"
    write_raw_predictions(predictions, TRUNCATED, ORIGIN, path)
    return path


def test_they_are_read_as_they_were_written(predictions, path):
    found = read_predictions(path, STAGE)
    for name in ("ids", "probabilities", "swapped"):
        # To the last bit: temperatures are fitted on these.
        np.testing.assert_array_equal(getattr(found, name), getattr(predictions, name))
    origin, truncated = read_origin(path, STAGE)
    assert origin == ORIGIN
    np.testing.assert_array_equal(truncated, TRUNCATED)
    assert truncated.dtype == bool


def test_the_same_predictions_are_the_same_bytes(predictions, path, tmp_path):
    write_raw_predictions(predictions, TRUNCATED, ORIGIN, tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


def test_an_origin_that_cannot_be_is_not_written():
    for changes in ({"experiment": "exp1"}, {"weights": ""}, {"seq_len": 0}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            replace(ORIGIN, **changes)


def test_other_values_or_weights_are_told_with_the_stages_that_mend_it(path):
    check_origin(path, "exp1", ORIGIN.experiment, ORIGIN.weights)
    with pytest.raises(
        BadInput, match=r"other values of exp1 .*`dvc repro train_exp1 predict@exp1`"
    ):
        check_origin(path, "exp1", "3" * 64, ORIGIN.weights)
    with pytest.raises(BadInput, match=r"other weights of exp1 .*`dvc repro predict@exp1`"):
        check_origin(path, "exp1", ORIGIN.experiment, "3" * 64)


def test_predictions_without_an_origin_are_damage(predictions, tmp_path):
    path = tmp_path / "scored.parquet"
    write_predictions(predictions, path)
    with pytest.raises(BadInput, match=r"does not say what it was made with.*predict@exp1"):
        read_origin(path, STAGE)


@pytest.mark.parametrize(
    "metadata",
    [b"", b"{", b"[]", b'{"experiment": "x", "weights": "y", "seq_len": 512}'],
)
def test_an_origin_that_is_none_is_damage(path, metadata):
    table = pq.read_table(path).replace_schema_metadata({b"origin": metadata})
    pq.write_table(table, path)
    with pytest.raises(BadInput, match=r"test\.parquet.*predict@exp1"):
        read_origin(path, STAGE)


def test_a_missing_column_is_damage(path):
    pq.write_table(pq.read_table(path).drop_columns("swapped_p_tie"), path)
    with pytest.raises(BadInput, match=r"no column .*swapped_p_tie.*predict@exp1"):
        read_predictions(path, STAGE)


def test_a_missing_file_names_its_stage(tmp_path):
    for read in (read_predictions, read_origin):
        with pytest.raises(BadInput, match=r"does not exist: run `dvc repro predict@exp1`"):
            read(tmp_path / "test.parquet", STAGE)
