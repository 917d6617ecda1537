"""Soft votes and weights in the ratings: fractions of a win, and rows that count several times."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_inputs import mark_soft

from preference.battles.table import BATTLE_SCHEMA
from preference.leaderboard.battles import read_rated_battles
from preference.statistics.bradley_terry import plain, resample_ratings
from preference.statistics.cluster_bootstrap import GroupBootstrap

SHARES = np.array([[0.5, 0.2, 0.3], [1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_shares_are_fractions_of_a_win(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    count = len(SHARES)
    columns = {
        "id": np.arange(count),
        **{name: [["text"]] * count for name in ("prompt", "response_a", "response_b")},
        "label": pa.array(SHARES.argmax(axis=1), pa.int8()),
        "model_a": ["m", "m", None, "n"],
        "model_b": ["n", "n", "n", "m"],
        "source": ["votes.csv"] * count,
        **{name: [None] * count for name in ("source_id", "language", "subset")},
    }
    battles = mark_soft(pa.table(columns, schema=BATTLE_SCHEMA), SHARES, [1, 2, 3, 4])
    (tmp_path / "data/split").mkdir(parents=True)
    pq.write_table(battles, "data/battles.parquet")
    for number, split in enumerate(("train", "valid", "calibration", "test")):
        pq.write_table(pa.table({"id": [number], "group": [number]}), f"data/split/{split}.parquet")
    rated = read_rated_battles([])
    assert rated.scores == pytest.approx([0.65, 1, 0])
    assert rated.weights.tolist() == [1, 2, 4]


def test_a_weight_is_the_battle_as_often_in_every_resample():
    random = np.random.default_rng(2)
    pairs = np.array([[0, 1], [1, 2], [2, 0]])[np.arange(60) % 3]
    scores, groups = random.random(60), np.arange(60) // 2
    weights = random.integers(1, 4, size=60)
    rows = np.repeat(np.arange(60), weights)
    weighted = GroupBootstrap(groups, 5, seed=1, weights=weights.astype(float))
    repeated = GroupBootstrap(groups[rows], 5, seed=1)
    found = resample_ratings(plain(pairs, 3), scores, weighted)
    assert found == pytest.approx(resample_ratings(plain(pairs[rows], 3), scores[rows], repeated))
