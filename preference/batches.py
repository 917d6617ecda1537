"""Batches of battles of like length: little padding, every battle once an epoch."""

import math
from collections.abc import Iterator
from itertools import count

import numpy as np

from preference.battles import LABELS
from preference.packing import Packing, full_lengths, pack
from preference.tokens import Tokens

# Battles are sorted by length within so many batches: enough for little padding, few enough that
# an epoch's batches are still a random sample of the set.
GROUPED_BATCHES = 50
# Widths are rounded up, because each new width costs memory and, compiled, time.
WIDTH_STEP = 32

Inputs = dict[str, np.ndarray]
Batch = tuple[Inputs, np.ndarray]


def shuffled_batches(
    lengths: np.ndarray, batch_size: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Cut a random order of the battles into batches of like length, in random order.

    Args:
        lengths: [battles].

    Returns: positions into `lengths`; each position stands in exactly one batch.
    """
    order = random.permutation(len(lengths))
    group = batch_size * GROUPED_BATCHES
    batches = []
    for start in range(0, len(order), group):
        window = order[start : start + group]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += _cut(window, batch_size)
    return [batches[index] for index in random.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut the battles, shortest first, into batches of positions into `lengths`."""
    return _cut(np.argsort(lengths, kind="stable"), batch_size)


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [order[first : first + batch_size] for first in range(0, len(order), batch_size)]


def memory_bound_batches(lengths: np.ndarray, most: int, scores: int) -> list[np.ndarray]:
    """Cut the battles, longest first, into batches whose attention fits into memory.

    Args:
        lengths: [battles].
        most: battles a batch at most.
        scores: attention scores a batch at most, counted as battles times the longest squared;
            a battle that is longer alone is a batch of its own.

    Returns: positions into `lengths`; each position stands in exactly one batch.
    """
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size = int(np.clip(scores // int(lengths[order[start]]) ** 2, 1, most))
        batches.append(order[start : start + size])
        start += size
    return batches


def make_inputs(tokens: Tokens, rows: np.ndarray, packing: Packing) -> Inputs:
    """Return `token_ids` and `padding_mask`, int32 [battles, 2, width], A first."""
    longest = int(packed_lengths(tokens, rows, packing).max())
    width = min(math.ceil(longest / WIDTH_STEP) * WIDTH_STEP, packing.seq_len)
    token_ids, padding_mask = pack(tokens, rows, packing, width)
    return {"token_ids": token_ids, "padding_mask": padding_mask}


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return labels [n] as float32 [n, 3]."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def training_batches(
    tokens: Tokens,
    rows: np.ndarray,
    labels: np.ndarray,
    packing: Packing,
    batch_size: int,
    seed: int,
) -> Iterator[Batch]:
    """Yield the batches of epoch after epoch without end. Epoch e depends on (seed, e) alone."""
    lengths = packed_lengths(tokens, rows, packing)
    for epoch in count():
        random = np.random.default_rng((seed, epoch))
        for batch in shuffled_batches(lengths, batch_size, random):
            yield make_inputs(tokens, rows[batch], packing), one_hot(labels[batch])


def packed_lengths(tokens: Tokens, rows: np.ndarray, packing: Packing) -> np.ndarray:
    """Return the length of the longer side of each battle after packing: int64 [rows]."""
    return np.minimum(full_lengths(tokens, rows, packing).max(axis=1), packing.seq_len)
