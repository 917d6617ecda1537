"""Batches of sequences of one width: little padding, a bounded number of tokens, few shapes."""

import numpy as np

# A width is a multiple of an eighth of the next power of two, or of this if it is larger.
SMALLEST_STEP = 32


def padded_widths(lengths: np.ndarray, seq_len: int) -> np.ndarray:
    """Return the width to which each length is padded: int64, as `lengths`.

    There are 12 widths up to 512, and 4 more for each doubling, because each width costs memory
    and, where the step is compiled, time.
    """
    steps = np.maximum(2 ** np.ceil(np.log2(lengths)).astype(np.int64) // 8, SMALLEST_STEP)
    return np.minimum(-(-lengths // steps) * steps, seq_len)


def shuffled_batches(
    widths: np.ndarray, tokens_per_batch: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Divide sequences into batches of one width each; batches and their members are shuffled.

    Args:
        widths: int64 [sequences].
        tokens_per_batch: at most, with padding; a wider sequence is a batch of its own.
        random: shuffles the members, then the batches.

    Returns: positions into `widths`. Each is in exactly one batch, and the number of batches does
        not depend on `random`.
    """
    batches = _divide(random.permutation(len(widths)), widths, tokens_per_batch)
    return [batches[index] for index in random.permutation(len(batches))]


def sorted_batches(
    lengths: np.ndarray, widths: np.ndarray, tokens_per_batch: int
) -> list[np.ndarray]:
    """Divide sequences into batches, longest first, so that the most memory is needed at once."""
    return _divide(np.argsort(-lengths, kind="stable"), widths, tokens_per_batch)


def _divide(order: np.ndarray, widths: np.ndarray, tokens_per_batch: int) -> list[np.ndarray]:
    batches = []
    for width in np.unique(widths)[::-1]:
        members = order[widths[order] == width]
        sequences_per_batch = max(tokens_per_batch // int(width), 1)
        batches += np.array_split(members, -(-len(members) // sequences_per_batch))
    return batches
