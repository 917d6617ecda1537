"""Every battle once per epoch, in batches of similar length that depend on seed and epoch only."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.sequences.length_bucketing import padded_widths, shuffled_batches, sorted_batches
from preference.sequences.packing import Packing
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens
from preference.training.dataset import BatchSampler, LabelledBattles, validation_stream

BATTLES = 500
TOKENS_PER_BATCH = 2048
PACKING = Packing(seq_len=256, turns="all")
LABELS = np.random.default_rng(11).integers(3, size=BATTLES)


@pytest.fixture(scope="module")
def tokens():
    """Single-turn battles with log-normal lengths; prompts hold the battle's number plus 3."""
    random = np.random.default_rng(5)

    def field(sigma, value):
        lengths = np.maximum(random.lognormal(3, sigma, BATTLES).astype(int), 1)
        return FieldTokens(np.array([0, *np.cumsum(lengths)]), np.repeat(value, lengths))

    numbers = np.arange(BATTLES, dtype=np.int32) + 3
    return Tokens(
        battle_ids=np.arange(BATTLES),
        turn_offsets=np.arange(BATTLES + 1),
        fields={
            "prompt": field(0.5, numbers),
            "response_a": field(1.2, numbers),
            "response_b": field(1.2, numbers),
        },
        special=SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=BATTLES + 3),
    )


def epochs(tokens, number, seed=0, rows=None, packing=PACKING):
    """Return the batches of each epoch: inputs, labels and weights."""
    rows = np.arange(BATTLES) if rows is None else rows
    batches = BatchSampler(
        LabelledBattles(tokens, packing, rows, LABELS[rows]), TOKENS_PER_BATCH, seed
    )
    stream = batches.stream().take(number * batches.steps).as_numpy_iterator()
    return [list(islice(stream, batches.steps)) for _ in range(number)]


def battles_of(batch):
    """Return the battles of a batch, whose numbers are the tokens after [CLS]."""
    return (batch[0]["token_ids"][:, 0, 1] - 3).tolist()


def test_each_battle_once_an_epoch_with_its_label(tokens):
    rows = np.random.default_rng(1).permutation(BATTLES)[:301]
    for epoch in epochs(tokens, 3, rows=rows):
        seen = [battle for batch in epoch for battle in battles_of(batch)]
        assert sorted(seen) == sorted(rows.tolist())
        for inputs, labels, _ in epoch:
            assert labels.shape == (len(inputs["token_ids"]), 3)
            assert labels.argmax(axis=1).tolist() == LABELS[battles_of((inputs,))].tolist()
            assert (inputs["token_ids"][:, 0, 1] == inputs["token_ids"][:, 1, 1]).all()
        assert max(inputs["token_ids"].size for inputs, *_ in epoch) <= TOKENS_PER_BATCH


def test_every_battle_has_the_same_weight_in_the_mean_over_batches(tokens):
    rows = np.arange(301)
    (epoch,) = epochs(tokens, 1, rows=rows)
    # Keras divides a batch's weighted losses by its size.
    scaled = [weight / len(weights) for *_, weights in epoch for weight in weights]
    assert np.allclose(scaled, len(epoch) / 301)
    assert np.mean([weights.mean() for *_, weights in epoch]) == pytest.approx(1, rel=0.3)
    assert len({len(weights) for *_, weights in epoch}) > 3


def test_validation_visits_each_battle_once_longest_first(tokens):
    rows = np.random.default_rng(1).permutation(BATTLES)[:301]
    stream = validation_stream(
        LabelledBattles(tokens, PACKING, rows, LABELS[rows]), TOKENS_PER_BATCH
    )
    batches = list(stream.as_numpy_iterator())
    assert len(batches) == stream.cardinality()
    assert sorted(battle for batch in batches for battle in battles_of(batch)) == sorted(rows)
    widths = [inputs["token_ids"].shape[2] for inputs, _ in batches]
    assert widths == sorted(widths, reverse=True)


def test_epochs_and_seeds_differ_and_repeat(tokens):
    def orders(seed):
        return [[battles_of(batch) for batch in epoch] for epoch in epochs(tokens, 3, seed)]

    first, again, other = orders(0), orders(0), orders(1)
    assert first == again
    different = [tuple(map(tuple, epoch)) for epoch in first + other]
    assert len(set(different)) == 6
    # The batches themselves differ, and not only their order.
    assert {frozenset(batch) for batch in first[0]} != {frozenset(batch) for batch in first[1]}


def test_widths_are_few_and_fit(tokens):
    for packing in (PACKING, Packing(seq_len=100, turns="all")):
        widths = set()
        for inputs, *_ in epochs(tokens, 1, packing=packing)[0]:
            width = inputs["token_ids"].shape[2]
            longest = inputs["padding_mask"].sum(axis=2).max(axis=1)
            widths.add(width)
            assert longest.max() <= width <= packing.seq_len
            # No batch is wider than necessary.
            assert set(padded_widths(longest, packing.seq_len)) == {width}
        assert len(widths) > 1


def test_widths_by_hand():
    lengths = np.array([1, 32, 33, 200, 256, 257, 321, 512, 513, 1024, 1025])
    expected = [32, 32, 64, 224, 256, 320, 384, 512, 640, 1024, 1280]
    assert padded_widths(lengths, 4096).tolist() == expected
    assert padded_widths(lengths, 300).tolist() == [min(width, 300) for width in expected]
    assert len(set(padded_widths(np.arange(1, 513), 512))) == 12


def test_the_padding_share_is_that_of_the_inputs(tokens):
    rows = np.arange(60)
    real, padded = 0, 0
    for inputs, *_ in epochs(tokens, 1, rows=rows)[0]:
        real += inputs["padding_mask"].sum()
        padded += inputs["padding_mask"].size
    share = LabelledBattles(tokens, PACKING, rows, LABELS[rows]).padding_share()
    assert share == pytest.approx(1 - real / padded)
    assert 0.05 < share < 0.6


def test_long_and_short_batches_are_mixed():
    """A drift from short to long within an epoch would be a curriculum."""
    widths = padded_widths(np.random.default_rng(2).integers(10, 400, size=400), 512)
    batches = shuffled_batches(widths, TOKENS_PER_BATCH, np.random.default_rng(0))
    means = [widths[batch].mean() for batch in batches]
    drift = np.corrcoef(means, np.arange(len(means)))[0, 1]
    assert abs(drift) < 0.3


@given(
    st.lists(st.integers(3, 600), min_size=1, max_size=80),
    st.integers(1, 9000),
    st.integers(0, 99),
)
def test_batches_are_a_partition_within_the_budget(lengths, tokens_per_batch, seed):
    lengths = np.array(lengths)
    widths = padded_widths(lengths, 512)
    shuffled, again = (
        shuffled_batches(widths, tokens_per_batch, np.random.default_rng(seed + extra))
        for extra in (0, 1)
    )
    ordered = sorted_batches(lengths, widths, tokens_per_batch)
    assert len(shuffled) == len(again) == len(ordered)
    for batches in (shuffled, ordered):
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
        for batch in batches:
            assert len(set(widths[batch])) == 1
            assert len(batch) == 1 or widths[batch].sum() <= tokens_per_batch
    assert lengths[np.concatenate(ordered)].tolist() == sorted(lengths, reverse=True)
