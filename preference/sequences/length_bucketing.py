"""Batches of sequences of one width: little padding, a bounded number of tokens, few shapes."""

import numpy as np

# A width is a multiple of an eighth of the next power of two, and of no less than this.
SMALLEST_STEP = 32


def padded_widths(lengths: np.ndarray, seq_len: int) -> np.ndarray:
    """Return to which width each length is padded: int64, as `lengths`.

    Few widths, because each costs memory and, compiled, time: 12 up to 512, 4 for each doubling.
    """
    steps = np.maximum(2 ** np.ceil(np.log2(lengths)).astype(np.int64) // 8, SMALLEST_STEP)
    return np.minimum(-(-lengths // steps) * steps, seq_len)


def shuffled_batches(
    widths: np.ndarray, tokens_per_batch: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Cut sequences into batches of one width each: members and batches in random order.

    Args:
        widths: [sequences].
        tokens_per_batch: with their padding; a sequence that is wider is a batch.

    Returns: positions into `widths`; each stands in exactly one batch, and the number of batches
        does not depend on `random`.
    """
    batches = _cut(random.permutation(len(widths)), widths, tokens_per_batch)
    return [batches[index] for index in random.permutation(len(batches))]


def sorted_batches(
    lengths: np.ndarray, widths: np.ndarray, tokens_per_batch: int
) -> list[np.ndarray]:
    """Cut the sequences, longest first, so that what needs most memory comes at once."""
    return _cut(np.argsort(-lengths, kind="stable"), widths, tokens_per_batch)


def _cut(order: np.ndarray, widths: np.ndarray, tokens_per_batch: int) -> list[np.ndarray]:
    batches = []
    for width in np.unique(widths)[::-1]:
        members = order[widths[order] == width]
        sequences_per_batch = max(tokens_per_batch // int(width), 1)
        batches += np.array_split(members, -(-len(members) // sequences_per_batch))
    return batches
