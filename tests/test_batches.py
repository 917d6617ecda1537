"""Every battle once an epoch, in batches of like length that depend on seed and epoch alone."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.batches import (
    WIDTH_STEP,
    make_inputs,
    memory_bound_batches,
    one_hot,
    packed_lengths,
    shuffled_batches,
    sorted_batches,
    training_batches,
)
from preference.packing import Packing
from preference.tokens import Segment, SpecialTokens, Tokens

BATTLES = 500
BATCH_SIZE = 8
PACKING = Packing(seq_len=256, turns="all")
LABELS = np.random.default_rng(11).integers(3, size=BATTLES)


@pytest.fixture(scope="module")
def tokens():
    """Single-turn battles with log-normal lengths; prompts hold the battle's number plus 3."""
    random = np.random.default_rng(5)

    def segment(sigma, value):
        lengths = np.maximum(random.lognormal(3, sigma, BATTLES).astype(int), 1)
        return Segment(np.array([0, *np.cumsum(lengths)]), np.repeat(value, lengths))

    numbers = np.arange(BATTLES, dtype=np.int32) + 3
    return Tokens(
        battle_ids=np.arange(BATTLES),
        turn_offsets=np.arange(BATTLES + 1),
        segments={
            "prompt": segment(0.5, numbers),
            "response_a": segment(1.2, numbers),
            "response_b": segment(1.2, numbers),
        },
        special=SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=BATTLES + 3),
    )


def epochs(tokens, number, seed=0, rows=None, packing=PACKING):
    rows = np.arange(BATTLES) if rows is None else rows
    batches = training_batches(tokens, rows, LABELS[rows], packing, BATCH_SIZE, seed)
    per_epoch = -(-len(rows) // BATCH_SIZE)
    return [list(islice(batches, per_epoch)) for _ in range(number)]


def battles_of(batch):
    """Read the battles off the tokens: the first one after [CLS]."""
    return (batch[0]["token_ids"][:, 0, 1] - 3).tolist()


def test_each_battle_once_an_epoch_with_its_label(tokens):
    rows = np.random.default_rng(1).permutation(BATTLES)[:301]
    for epoch in epochs(tokens, 3, rows=rows):
        seen = [battle for batch in epoch for battle in battles_of(batch)]
        assert sorted(seen) == sorted(rows.tolist())
        for inputs, labels in epoch:
            assert labels.shape == (len(inputs["token_ids"]), 3)
            assert labels.argmax(axis=1).tolist() == LABELS[battles_of((inputs, labels))].tolist()
            assert (inputs["token_ids"][:, 0, 1] == inputs["token_ids"][:, 1, 1]).all()
        assert sorted({len(labels) for _, labels in epoch}) == [301 % BATCH_SIZE, BATCH_SIZE]


def test_epochs_and_seeds_differ_and_repeat(tokens):
    def orders(seed):
        return [[battles_of(batch) for batch in epoch] for epoch in epochs(tokens, 3, seed)]

    first, again, other = orders(0), orders(0), orders(1)
    assert first == again
    different = [tuple(map(tuple, epoch)) for epoch in first + other]
    assert len(set(different)) == 6
    # Not the same batches in another order either.
    assert {frozenset(batch) for batch in first[0]} != {frozenset(batch) for batch in first[1]}


def test_widths_are_few_and_fit(tokens):
    for packing in (PACKING, Packing(seq_len=100, turns="all")):
        widths = set()
        for inputs, _ in epochs(tokens, 1, packing=packing)[0]:
            width = inputs["token_ids"].shape[2]
            longest = inputs["padding_mask"].sum(axis=2).max()
            widths.add(width)
            assert longest <= width <= packing.seq_len
            assert width % WIDTH_STEP == 0 or width == packing.seq_len
            assert width - longest < WIDTH_STEP
        assert len(widths) > 1


def test_grouping_pads_less_than_random_order(tokens):
    random = np.random.default_rng(0)
    rows = np.arange(BATTLES)
    lengths = packed_lengths(tokens, rows, PACKING)

    def cells(batches):
        return sum(len(batch) * lengths[batch].max() for batch in batches)

    order = random.permutation(BATTLES)
    unsorted = [order[start : start + BATCH_SIZE] for start in range(0, BATTLES, BATCH_SIZE)]
    grouped = cells(shuffled_batches(lengths, BATCH_SIZE, random))
    assert cells(sorted_batches(lengths, BATCH_SIZE)) <= grouped < 0.7 * cells(unsorted)
    assert grouped < 1.15 * lengths.sum()


def test_long_and_short_batches_are_mixed():
    """No drift from short to long within an epoch: the network would see a curriculum."""
    lengths = np.random.default_rng(2).integers(10, 400, size=50 * BATCH_SIZE)
    batches = shuffled_batches(lengths, BATCH_SIZE, np.random.default_rng(0))
    means = [lengths[batch].mean() for batch in batches]
    drift = np.corrcoef(means, np.arange(len(means)))[0, 1]
    assert abs(drift) < 0.4


@given(
    st.lists(st.integers(3, 600), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 99)
)
def test_batches_are_a_partition(lengths, batch_size, seed):
    lengths = np.array(lengths)
    random = np.random.default_rng(seed)
    for batches in (
        shuffled_batches(lengths, batch_size, random),
        sorted_batches(lengths, batch_size),
    ):
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
        sizes = sorted(len(batch) for batch in batches)
        assert len(batches) == -(-len(lengths) // batch_size)
        assert sizes[-1] <= batch_size


@given(st.lists(st.integers(3, 600), min_size=1, max_size=80), st.integers(1, 9))
def test_sorted_batches_go_from_short_to_long(lengths, batch_size):
    batches = sorted_batches(np.array(lengths), batch_size)
    assert np.array(lengths)[np.concatenate(batches)].tolist() == sorted(lengths)


def test_packed_length_is_the_longer_side_that_the_model_reads(tokens):
    rows = np.array([4, 0, 77, 4])
    packing = Packing(seq_len=40, turns="all")
    inputs = make_inputs(tokens, rows, packing)
    longest = inputs["padding_mask"].sum(axis=2).max(axis=1)
    assert packed_lengths(tokens, rows, packing).tolist() == longest.tolist()


def test_one_hot_by_hand():
    encoded = one_hot(np.array([2, 0, 1], dtype=np.int8))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


@given(
    st.lists(st.integers(5, 1024), min_size=1, max_size=80), st.integers(1, 64), st.integers(1, 10)
)
def test_memory_bound_batches_hold_every_battle_once_and_no_more_than_fits(lengths, most, bound):
    scores = bound * 256**2
    batches = memory_bound_batches(np.array(lengths), most, scores)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[position] for position in batch)
        assert len(batch) <= most
        assert len(batch) == 1 or len(batch) * longest**2 <= scores
