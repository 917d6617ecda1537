"""Stored features, and their normalisation against scikit-learn's."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.preprocessing import StandardScaler

from preference.features.feature_rows import compute_rows, write_rows
from preference.runtime.errors import BadInput
from preference.sequences.feature_normalization import (
    FARTHEST,
    Normalization,
    Scale,
    fit_features,
    read_normalization,
    write_normalization,
)
from preference.sequences.feature_store import UNUSED, features_file, find_rows, open_features

WORDS = ["soup", "bread.", "* garden", "rake\n", "whale?", "tide", "1. oven", "# onion"]


def draw_battles(count=60, seed=1):
    random = np.random.default_rng(seed)

    def field():
        return [[" ".join(random.choice(WORDS, random.integers(1, 30)))] for _ in range(count)]

    columns = {name: field() for name in ("prompt", "response_a", "response_b")}
    return pa.table({"id": random.permutation(count) * 3, **columns})


def swap(battles):
    names = ["id", "prompt", "response_b", "response_a"]
    return battles.select(names).rename_columns(["id", "prompt", "response_a", "response_b"])


@pytest.fixture(scope="module")
def battles():
    return draw_battles()


@pytest.fixture(scope="module")
def rows(battles):
    return compute_rows(battles)


def test_each_feature_is_standardised_by_train_as_scikit_learn_does(rows):
    train, others = rows["id"][:40], rows["id"][40:]
    fitted = fit_features(rows, train, with_pair=True)
    found = fitted.of(others).read(slice(None))
    assert found.shape == (20, 2, 72) and found.dtype == np.float32
    for column, name in enumerate(fitted.normalization.names):
        values = rows[name].astype("float64")
        scaler = StandardScaler().fit(values[:40].reshape(-1, 1))
        if np.ptp(values[:40]) == 0:
            assert not found[:, :, column].any()
            continue
        expected = scaler.transform(values[40:].reshape(-1, 1)).reshape(20, -1)
        expected = np.broadcast_to(expected.clip(-FARTHEST, FARTHEST), (20, 2))
        np.testing.assert_allclose(found[:, :, column], expected, atol=1e-5, err_msg=name)


def test_swapped_answers_have_swapped_features_to_the_last_bit(battles, rows):
    normalization = fit_features(rows, rows["id"], with_pair=True).normalization
    found = normalization.normalize(rows)
    assert np.array_equal(normalization.normalize(compute_rows(swap(battles))), found[:, ::-1])
    assert not np.array_equal(found, found[:, ::-1])


def test_a_score_of_one_answer_reads_nothing_of_the_other(battles, rows):
    normalization = fit_features(rows, rows["id"], with_pair=False).normalization
    found = normalization.normalize(rows)
    shuffled = battles.set_column(3, "response_b", battles["response_b"].take([*range(59, -1, -1)]))
    assert np.array_equal(normalization.normalize(compute_rows(shuffled))[:, 0], found[:, 0])


def test_what_was_constant_in_train_says_nothing_and_nothing_is_too_far(rows):
    scales = [
        Scale(name="answer: links", mean=0.0, deviation=0.0),
        Scale(name="answer: words", mean=1e308, deviation=5e-324),
        Scale(name="prompt: words", mean=-1e308, deviation=5e-324),
    ]
    changed = rows.copy()
    changed["answer: links"] = 7
    with np.errstate(all="raise"):
        found = Normalization(features=scales).normalize(changed)
    assert np.array_equal(np.unique(found.reshape(-1, 3), axis=0), [[0, -FARTHEST, FARTHEST]])


def test_stored_features_are_found_by_id_in_any_order(battles, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = features_file("exp1")
    path.parent.mkdir(parents=True)
    write_rows(battles.to_batches(7), len(battles), path)
    table = open_features("exp1")
    assert isinstance(table, np.memmap) and np.array_equal(table, rows)
    ids = np.array([9, 0, 177])
    assert table[find_rows(table, ids)]["id"].tolist() == ids.tolist()
    for missing in (1, 10**6):
        with pytest.raises(BadInput, match=f"battle {missing} has no features: run `dvc repro f"):
            find_rows(table, np.array([0, missing]))


def test_features_that_no_stage_has_computed_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"exp1.npy.*`dvc repro featurize`"):
        open_features("exp1")
    features_file("exp1").parent.mkdir(parents=True)
    np.save(features_file("exp1"), UNUSED)
    with pytest.raises(BadInput, match=r"exp1.npy has no features.*`dvc repro featurize`"):
        open_features("exp1")


def test_a_normalisation_is_read_as_it_was_written(rows, tmp_path):
    written = fit_features(rows, rows["id"], with_pair=True).normalization
    write_normalization(written, tmp_path / "features.json")
    assert read_normalization(tmp_path / "features.json", "train_exp1") == written
