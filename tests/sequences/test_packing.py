"""Packing against a slow implementation of the guarantees, one token at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.sequences.packing import (
    Packing,
    full_lengths,
    pack,
    pack_sequences,
    packed_lengths,
    share_room,
    summarize_packing,
)
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens

CLS, SEP, PAD = 1, 2, 0
FIELDS = ("prompt", "response_a", "response_b")


def make_tokens(battles):
    """Return tokens in which every id is unique, and the same as texts[battle][field][turn].

    Each battle is a list of turns, and each turn the lengths of its three texts.
    """
    flat = {field: [] for field in FIELDS}
    lengths = {field: [] for field in FIELDS}
    texts, next_id = [], 3
    for turns in battles:
        texts.append({field: [] for field in FIELDS})
        for turn in turns:
            for field, length in zip(FIELDS, turn, strict=True):
                ids = list(range(next_id, next_id + length))
                next_id += length
                flat[field] += ids
                lengths[field].append(length)
                texts[-1][field].append(ids)
    fields = {
        field: FieldTokens(
            np.array([0, *np.cumsum(lengths[field])], dtype=np.int64),
            np.array(flat[field], dtype=np.int32),
        )
        for field in FIELDS
    }
    turn_offsets = np.array([0, *np.cumsum([len(turns) for turns in battles])], dtype=np.int64)
    special = SpecialTokens(cls=CLS, sep=SEP, pad=PAD, vocabulary_size=next_id)
    return Tokens(np.arange(len(battles)), turn_offsets, fields, special), texts


def naive_share(prompt, response, room):
    """Hand out the room a token at a time, to response and prompt in turn while they need it."""
    kept = {"response": 0, "prompt": 0}
    need = {"response": response, "prompt": prompt}
    while room and kept != need:
        for part in kept:
            if room and kept[part] < need[part]:
                kept[part] += 1
                room -= 1
    return kept["prompt"], kept["response"]


def naive_newest(turns, room):
    """Keep the newest turns whole; of the first that does not fit, the head and the tail."""
    kept = []
    for turn in reversed(turns):
        if len(turn) <= room:
            kept = turn + kept
            room -= len(turn)
            continue
        tail = room // 2
        head = room - tail
        return turn[:head] + turn[len(turn) - tail :] + kept
    return kept


def naive_pack(text, side, packing):
    prompt, response = text["prompt"], text[side]
    if packing.turns == "first":
        prompt, response = prompt[:1], response[:1]
    for_prompt, for_response = naive_share(
        sum(map(len, prompt)), sum(map(len, response)), packing.seq_len - 3
    )
    return [
        CLS,
        *naive_newest(prompt, for_prompt),
        SEP,
        *naive_newest(response, for_response),
        SEP,
    ]


lengths = st.one_of(st.just(0), st.integers(1, 9), st.integers(10, 120))
turns = st.lists(st.tuples(lengths, lengths, lengths), min_size=1, max_size=7)


@st.composite
def cases(draw):
    battles = draw(st.lists(turns, min_size=1, max_size=5))
    rows = draw(st.lists(st.integers(0, len(battles) - 1), min_size=1, max_size=6))
    packing = Packing(
        seq_len=draw(st.integers(16, 200)), turns=draw(st.sampled_from(["first", "all"]))
    )
    return battles, np.array(rows), packing, draw(st.integers(0, 40))


@given(cases())
def test_pack_is_what_the_guarantees_say(case):
    battles, rows, packing, spare = case
    tokens, texts = make_tokens(battles)
    expected = [
        [naive_pack(texts[row], side, packing) for side in ("response_a", "response_b")]
        for row in rows
    ]
    width = spare + max(len(sequence) for battle in expected for sequence in battle)
    token_ids, padding_mask = pack(tokens, rows, packing, width).values()

    assert token_ids.shape == padding_mask.shape == (len(rows), 2, width)
    assert token_ids.dtype == padding_mask.dtype == np.int32
    full = full_lengths(tokens, rows, packing)
    for battle, row in enumerate(rows):
        for side, field in enumerate(("response_a", "response_b")):
            sequence = expected[battle][side]
            length = len(sequence)
            assert token_ids[battle, side].tolist() == sequence + [PAD] * (width - length)
            assert padding_mask[battle, side].tolist() == [1] * length + [0] * (width - length)
            read = 1 if packing.turns == "first" else None
            whole = sum(len(t) for name in ("prompt", field) for t in texts[row][name][:read])
            assert full[battle, side] == whole + 3
            assert length == min(whole + 3, packing.seq_len)
    assert np.array_equal(packed_lengths(tokens, rows, packing), padding_mask.sum(axis=2))


@given(cases(), st.randoms())
def test_sides_can_be_packed_in_any_order(case, random):
    battles, rows, packing, _ = case
    tokens, _ = make_tokens(battles)
    sides = np.array([random.randrange(2) for _ in rows])
    chosen = pack_sequences(tokens, rows, sides, packing, packing.seq_len)
    for name, values in pack(tokens, rows, packing, packing.seq_len).items():
        assert np.array_equal(chosen[name], values[np.arange(len(rows)), sides])


@given(cases())
def test_neither_part_is_cut_below_its_half(case):
    battles, rows, packing, _ = case
    tokens, texts = make_tokens(battles)
    token_ids = pack(tokens, rows, packing, packing.seq_len)["token_ids"]
    room = packing.seq_len - 3
    for battle, row in enumerate(rows):
        for side, field in enumerate(("response_a", "response_b")):
            present = set(token_ids[battle, side].tolist())
            for name, half in (("prompt", room // 2), (field, room - room // 2)):
                read = 1 if packing.turns == "first" else None
                own = {token for turn in texts[row][name][:read] for token in turn}
                assert len(own & present) >= min(len(own), half)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(13, 300))
def test_room_is_shared_a_token_at_a_time(prompt, response, room):
    shared = share_room(np.array([prompt]), np.array([response]), room)
    assert [int(part[0]) for part in shared] == list(naive_share(prompt, response, room))


def test_a_long_prompt_leaves_the_response():
    tokens, texts = make_tokens([[(5000, 40, 0)]])
    token_ids, padding_mask = pack(
        tokens, np.array([0]), Packing(seq_len=512, turns="all"), 512
    ).values()
    assert set(texts[0]["response_a"][0]) <= set(token_ids[0, 0].tolist())
    assert padding_mask.all()


def test_by_hand():
    """Room for 13 of the 8 + 16 tokens: 6 for the prompt, 7 for the response."""
    tokens, _ = make_tokens([[(5, 10, 1), (3, 6, 0)]])
    prompt_1, answer_1 = [3, 4, 5, 6, 7], list(range(8, 18))
    prompt_2, answer_2 = [19, 20, 21], list(range(22, 28))
    packed = pack(tokens, np.array([0]), Packing(seq_len=16, turns="all"), 16)["token_ids"]
    head_and_tail = [prompt_1[0], prompt_1[1], prompt_1[-1]]
    assert packed[0, 0].tolist() == [
        *(CLS, *head_and_tail, *prompt_2),
        *(SEP, answer_1[0], *answer_2, SEP),
    ]
    assert packed[0, 1].tolist() == [CLS, *prompt_1, *prompt_2, SEP, 18, SEP, *[PAD] * 4]
    first = pack(tokens, np.array([0]), Packing(seq_len=16, turns="first"), 16)["token_ids"]
    assert first[0, 0].tolist() == [CLS, *prompt_1, SEP, *answer_1[:4], *answer_1[-4:], SEP]


@pytest.mark.parametrize(
    "seq_len, cut, kept",
    [
        # Sequences of 13, 8, 103 and 3 tokens.
        (103, 0.0, 1.0),
        (100, 0.25, 124 / 127),
        (16, 0.25, (13 + 8 + 16 + 3) / 127),
    ],
)
def test_summary_by_hand(seq_len, cut, kept):
    tokens, _ = make_tokens([[(5, 5, 0)], [(0, 60, 0), (0, 40, 0)], [(999, 999, 999)]])
    summary = summarize_packing(tokens, np.array([0, 1]), Packing(seq_len=seq_len, turns="all"))
    assert summary == pytest.approx({"sequences_cut": cut, "tokens_kept": kept})
