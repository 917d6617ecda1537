"""Batches of battles of one width: little padding, a bounded number of tokens, few shapes."""

import numpy as np

from preference.battles import LABELS
from preference.packing import Packing, full_lengths, pack
from preference.tokens import Tokens

SIDES = 2
# A width is a multiple of an eighth of the next power of two, and of no less than this.
SMALLEST_STEP = 32

Inputs = dict[str, np.ndarray]


def padded_widths(lengths: np.ndarray, seq_len: int) -> np.ndarray:
    """Return to which width each length is padded: int64, as `lengths`.

    Few widths, because each costs memory and, compiled, time: 12 up to 512, 4 for each doubling.
    """
    steps = np.maximum(2 ** np.ceil(np.log2(lengths)).astype(np.int64) // 8, SMALLEST_STEP)
    return np.minimum(-(-lengths // steps) * steps, seq_len)


def shuffled_batches(
    widths: np.ndarray, tokens_per_batch: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Cut the battles into batches of one width each: members and batches in random order.

    Args:
        widths: [battles].
        tokens_per_batch: of both sides with their padding; a battle that is larger is a batch.

    Returns: positions into `widths`; each stands in exactly one batch, and the number of batches
        does not depend on `random`.
    """
    batches = _cut(random.permutation(len(widths)), widths, tokens_per_batch)
    return [batches[index] for index in random.permutation(len(batches))]


def sorted_batches(
    lengths: np.ndarray, widths: np.ndarray, tokens_per_batch: int
) -> list[np.ndarray]:
    """Cut the battles, longest first, so that what needs most memory comes at once."""
    return _cut(np.argsort(-lengths, kind="stable"), widths, tokens_per_batch)


def _cut(order: np.ndarray, widths: np.ndarray, tokens_per_batch: int) -> list[np.ndarray]:
    batches = []
    for width in np.unique(widths)[::-1]:
        members = order[widths[order] == width]
        battles_per_batch = max(tokens_per_batch // (SIDES * int(width)), 1)
        batches += np.array_split(members, -(-len(members) // battles_per_batch))
    return batches


def padding_share(tokens: Tokens, rows: np.ndarray, packing: Packing) -> float:
    """Return which share of the positions that the model reads is padding."""
    real = np.minimum(full_lengths(tokens, rows, packing), packing.seq_len).sum()
    padded = SIDES * padded_widths(packed_lengths(tokens, rows, packing), packing.seq_len).sum()
    return float(1 - real / padded)


def make_inputs(tokens: Tokens, rows: np.ndarray, packing: Packing) -> Inputs:
    """Return `token_ids` and `padding_mask`, int32 [battles, 2, width], A first."""
    longest = packed_lengths(tokens, rows, packing).max()
    width = int(padded_widths(longest, packing.seq_len))
    token_ids, padding_mask = pack(tokens, rows, packing, width)
    return {"token_ids": token_ids, "padding_mask": padding_mask}


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return labels [n] as float32 [n, 3]."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def packed_lengths(tokens: Tokens, rows: np.ndarray, packing: Packing) -> np.ndarray:
    """Return the length of the longer side of each battle after packing: int64 [rows]."""
    return np.minimum(full_lengths(tokens, rows, packing).max(axis=1), packing.seq_len)
