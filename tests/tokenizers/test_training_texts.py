"""The texts on which a tokenizer is trained, in small sets of battles."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battles.table import BATTLE_SCHEMA, FIELDS
from preference.runtime.errors import BadInput
from preference.tokenizers import corpus
from preference.tokenizers.corpus import evenly_spaced, read_training_texts

TRAIN = range(0, 300, 3)


def texts_of(number):
    """Two turns of at least two characters for each field."""
    return {name: [f"{name[-1]}{number}", f"\n😀{number}"] for name in FIELDS}


@pytest.fixture
def files(tmp_path):
    """Battles 0 to 299 in random order; every third is in train."""
    numbers = np.random.default_rng(0).permutation(300).tolist()
    rows = [{"id": number, **texts_of(number), "label": 0, "source": "x"} for number in numbers]
    table = pa.Table.from_pylist(rows, schema=BATTLE_SCHEMA)
    pq.write_table(table, tmp_path / "battles.parquet", row_group_size=70)
    pq.write_table(pa.table({"id": list(TRAIN)}), tmp_path / "train.parquet")
    return tmp_path / "battles.parquet", tmp_path / "train.parquet"


def expected_texts(numbers):
    return [text for name in FIELDS for number in numbers for text in texts_of(number)[name]]


CHARACTERS = sum(map(len, expected_texts(TRAIN)))


@pytest.mark.parametrize("most", [CHARACTERS, 10 * CHARACTERS])
def test_all_texts_of_train_where_they_are_few(files, monkeypatch, most):
    monkeypatch.setattr(corpus, "MOST_CHARACTERS", most)
    assert list(read_training_texts(*files)) == expected_texts(TRAIN)


def test_one_battle_in_four_where_they_are_four_times_too_many(files, monkeypatch):
    monkeypatch.setattr(corpus, "MOST_CHARACTERS", CHARACTERS // 4 + 1)
    assert list(read_training_texts(*files)) == expected_texts(TRAIN[::4])


@pytest.mark.parametrize("divisor", [1.1, 1.7, 3, 9.5])
def test_a_part_has_about_as_many_characters_as_it_may(files, monkeypatch, divisor):
    most = int(CHARACTERS / divisor)
    monkeypatch.setattr(corpus, "MOST_CHARACTERS", most)
    texts = list(read_training_texts(*files))
    assert 0.85 * most < sum(map(len, texts)) < 1.05 * most
    assert set(texts) < set(expected_texts(TRAIN))


def test_at_least_one_battle(files, monkeypatch):
    monkeypatch.setattr(corpus, "MOST_CHARACTERS", 1)
    assert list(read_training_texts(*files)) == expected_texts([0])


@pytest.mark.parametrize("count", [1, 7, 100, 1001])
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.5, 0.99, 1.0, 20.0])
def test_evenly_spaced_positions_are_distinct_and_reach_from_end_to_end(count, fraction):
    positions = evenly_spaced(count, fraction)
    assert len(positions) == pytest.approx(count * min(fraction, 1), abs=1)
    gaps = np.diff([*positions, count])
    assert positions[0] == 0
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_a_battle_that_the_table_lacks(files):
    battles, split = files
    pq.write_table(pa.table({"id": [0, 3, 1000, 1001]}), split)
    with pytest.raises(
        BadInput, match=r"train\.parquet: 2 of its ids are not in .*dvc repro split"
    ):
        list(read_training_texts(battles, split))


@pytest.mark.parametrize(("missing", "stage"), [(0, "fetch"), (1, "split")])
def test_a_missing_file(files, missing, stage):
    files[missing].unlink()
    with pytest.raises(BadInput, match=f"does not exist: run `dvc repro {stage}`"):
        list(read_training_texts(*files))
