"""Pack each side of a battle as `[CLS] prompt [SEP] response [SEP]`, at most `seq_len` tokens.

Guarantees
1. A sequence that fits is complete. A longer one is truncated to exactly `seq_len` tokens.
2. Prompt and response get half of the tokens each; what one does not need goes to the other.
3. The newest turns are kept first. The turn that does not fit keeps its head and its tail.
"""

import numpy as np

from preference.config.validation import SequenceLength, Turns, checked
from preference.sequences.token_store import FieldTokens, Tokens

SIDES = ("response_a", "response_b")
# [CLS] and twice [SEP].
SPECIAL_TOKENS = 3

Inputs = dict[str, np.ndarray]


@checked
class Packing:
    """How battles become sequences: at most `seq_len` tokens, from the `first` turn or `all`."""

    seq_len: SequenceLength
    turns: Turns


def full_lengths(tokens: Tokens, rows: np.ndarray, packing: Packing) -> np.ndarray:
    """Return the length of each side of each battle before truncation: int64 [rows, 2]."""
    first, last = _turn_ranges(tokens, rows, packing)
    prompt, *responses = (
        tokens.fields[name].offsets[last] - tokens.fields[name].offsets[first]
        for name in ("prompt", *SIDES)
    )
    return np.stack([prompt + response for response in responses], axis=1) + SPECIAL_TOKENS


def packed_lengths(tokens: Tokens, rows: np.ndarray, packing: Packing) -> np.ndarray:
    """Return the length of each side of each battle after truncation: int64 [rows, 2]."""
    return np.minimum(full_lengths(tokens, rows, packing), packing.seq_len)


def summarize_packing(tokens: Tokens, rows: np.ndarray, packing: Packing) -> dict[str, float]:
    """Return the fraction of truncated sequences and the fraction of kept tokens."""
    full = full_lengths(tokens, rows, packing)
    return {
        "sequences_cut": float((full > packing.seq_len).mean()),
        "tokens_kept": float(packed_lengths(tokens, rows, packing).sum() / full.sum()),
    }


def pack(tokens: Tokens, rows: np.ndarray, packing: Packing, width: int) -> Inputs:
    """Return both sides of battles: `token_ids` and `padding_mask`, int32 [rows, 2, width].

    Args:
        tokens: of these battles, and maybe of others.
        rows: of the battles in `tokens`, int64.
        packing: how a battle becomes two sequences.
        width: as for `pack_sequences`.
    """
    sides = np.tile(np.arange(len(SIDES)), len(rows))
    inputs = pack_sequences(tokens, np.repeat(rows, len(SIDES)), sides, packing, width)
    return {name: values.reshape(len(rows), len(SIDES), width) for name, values in inputs.items()}


def pack_sequences(
    tokens: Tokens, rows: np.ndarray, sides: np.ndarray, packing: Packing, width: int
) -> Inputs:
    """Return one side of each battle: `token_ids` and `padding_mask`, int32 [rows, width].

    Args:
        tokens: of these battles, and maybe of others.
        rows: of the battles in `tokens`, int64.
        sides: the side of each battle, 0 for A and 1 for B: int [rows].
        packing: how a battle becomes two sequences.
        width: at least the longest packed sequence; padding is on the right.
    """
    token_ids = np.empty((len(rows), width), dtype=np.int32)
    padding_mask = np.empty_like(token_ids)
    for side, name in enumerate(SIDES):
        chosen = sides == side
        token_ids[chosen], lengths = _pack_side(tokens, rows[chosen], packing, name, width)
        padding_mask[chosen] = np.arange(width) < lengths[:, None]
    return {"token_ids": token_ids, "padding_mask": padding_mask}


def _pack_side(
    tokens: Tokens, rows: np.ndarray, packing: Packing, response: str, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the token ids [rows, width] and the length of each sequence [rows]."""
    first, last = _turn_ranges(tokens, rows, packing)
    prompt_field, response_field = tokens.fields["prompt"], tokens.fields[response]
    prompt, answer = (
        field.offsets[last] - field.offsets[first] for field in (prompt_field, response_field)
    )
    prompt, answer = share_room(prompt, answer, packing.seq_len - SPECIAL_TOKENS)

    out = np.full((len(rows), width), tokens.special.pad, dtype=np.int32)
    column = np.arange(width)
    prompt_end, answer_end = (prompt + 1)[:, None], (prompt + 2 + answer)[:, None]
    out[:, 0] = tokens.special.cls
    out[(column > 0) & (column < prompt_end)] = _newest(prompt_field, first, last, prompt)
    out[column == prompt_end] = tokens.special.sep
    out[(column > prompt_end) & (column < answer_end)] = _newest(
        response_field, first, last, answer
    )
    out[column == answer_end] = tokens.special.sep
    return out, prompt + answer + SPECIAL_TOKENS


def share_room(
    prompt: np.ndarray, response: np.ndarray, room: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many tokens of each to keep: half of `room`, plus what the other leaves."""
    prompt_kept = np.minimum(prompt, np.maximum(room // 2, room - response))
    return prompt_kept, np.minimum(response, room - prompt_kept)


def _turn_ranges(
    tokens: Tokens, rows: np.ndarray, packing: Packing
) -> tuple[np.ndarray, np.ndarray]:
    first = tokens.turn_offsets[rows]
    return first, first + 1 if packing.turns == "first" else tokens.turn_offsets[rows + 1]


def _newest(
    field: FieldTokens, first: np.ndarray, last: np.ndarray, room: np.ndarray
) -> np.ndarray:
    """Return the tokens of turns `first` to `last` kept in `room`, concatenated by battle."""
    counts = last - first
    turn = _consecutive(first, counts)
    start, end = field.offsets[turn], field.offsets[turn + 1]
    newer = np.repeat(field.offsets[last], counts) - end
    kept = np.clip(np.repeat(room, counts) - newer, 0, end - start)
    head = np.where(kept < end - start, (kept + 1) // 2, kept)
    starts = np.stack([start, end - (kept - head)], axis=1).ravel()
    lengths = np.stack([head, kept - head], axis=1).ravel()
    return field.ids[_consecutive(starts, lengths)]


def _consecutive(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the concatenation of `start, start + 1, …` of each length."""
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
