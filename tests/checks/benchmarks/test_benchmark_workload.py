"""Every system of a benchmark gets the same battles, in batches that visit each once."""

import numpy as np
import pytest
from two_battles import two_battles

from checks.benchmarks.sequences import (
    full_rows,
    grouped_batches,
    load_sequences,
    longest_first,
    padding_share,
    random_batches,
    save_sequences,
)
from checks.benchmarks.workload import choose_runs, write_full_length
from preference.sequences.packing import Packing, pack
from preference.sequences.token_store import open_tokens


@pytest.fixture
def sequences():
    return two_battles()


def test_padding_by_hand(sequences):
    inputs, labels = sequences.batch(np.array([1, 0]))
    assert inputs["token_ids"].tolist() == [[[5, 6, 0], [7, 8, 0]], [[1, 0, 0], [2, 3, 4]]]
    assert inputs["padding_mask"].tolist() == [[[1, 1, 0], [1, 1, 0]], [[1, 0, 0], [1, 1, 1]]]
    assert labels.tolist() == [[1, 0, 0], [0, 0, 1]]
    # 8 tokens: in 12 cells together; in 6 + 4 cells one battle after the other; in 16 cells.
    alone = [sequences.batch(np.array([battle])) for battle in (0, 1)]
    assert padding_share(iter([(inputs, labels)])) == pytest.approx(4 / 12)
    assert padding_share(iter(alone)) == pytest.approx(2 / 10)
    assert padding_share(iter([sequences.batch(np.array([0, 1]), 4)])) == pytest.approx(8 / 16)


def test_full_rows_hold_the_same_tokens_without_padding(sequences):
    rows = full_rows(sequences, width=3)
    inputs, _ = rows.batch(np.array([0, 1]))
    # 8 tokens in 4 rows of 3: the last is filled from the start.
    ids = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 1], [2, 3, 4]]]
    assert inputs["token_ids"].tolist() == ids
    assert inputs["padding_mask"].all()


def test_sequences_survive_the_disk(sequences, tmp_path):
    save_sequences(sequences, tmp_path / "sequences.npz")
    loaded = load_sequences(tmp_path / "sequences.npz")
    for name, values in vars(sequences).items():
        np.testing.assert_array_equal(getattr(loaded, name), values)


def test_every_plan_visits_every_battle_once():
    lengths = np.random.default_rng(0).integers(4, 500, 1003)
    plans = (
        random_batches(len(lengths), 8, seed=1),
        grouped_batches(lengths, 8, seed=1),
        longest_first(lengths, 8),
    )
    for plan in plans:
        assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
        assert {len(batch) for batch in plan} == {8, 1003 % 8}
    assert (np.diff(lengths[np.concatenate(plans[2])]) <= 0).all()


def test_groups_are_sorted_within_windows_of_50_batches():
    lengths = np.random.default_rng(0).integers(4, 500, 1000)
    order = lengths[np.concatenate(grouped_batches(lengths, 8, seed=1))]
    rises = np.flatnonzero(np.diff(order) > 0) + 1
    assert rises.tolist() == [400, 800]


def test_few_runs_have_the_lengths_and_the_neighbours_of_many():
    lengths = np.random.default_rng(0).lognormal(5.5, 0.8, 2000).astype(int)
    rows = choose_runs(lengths, runs=10)
    assert len(set(rows)) == 80
    chosen = np.sort(lengths[rows])
    assert np.median(chosen) == pytest.approx(np.median(lengths), rel=0.1)
    widest = chosen.reshape(-1, 8).max(axis=1).repeat(8)
    assert chosen.sum() / widest.sum() > 0.95


def test_a_workload_holds_the_same_battles_twice(tmp_path):
    write_full_length(tmp_path, seq_len=32, battles=3)
    sequences = load_sequences(tmp_path / "sequences.npz")
    packed = pack(
        open_tokens(tmp_path / "tokens"),
        np.load(tmp_path / "rows.npy"),
        Packing(seq_len=32, turns="all"),
        width=32,
    )
    assert packed["padding_mask"].all()
    np.testing.assert_array_equal(sequences.pad(np.arange(3), 32)["token_ids"], packed["token_ids"])
    np.testing.assert_array_equal(sequences.labels, np.load(tmp_path / "labels.npy"))
