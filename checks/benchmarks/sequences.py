"""Packed sequences of battles in one NumPy file, and batches of them. It imports NumPy alone.

Systems that are not ours read their battles from here, in any environment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LABELS = 3
# Hugging Face's `group_by_length` sorts within so many batches.
GROUPED_BATCHES = 50

Batch = tuple[dict[str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Sequences:
    """Two sequences a battle, A first.

    `ids` int32 [tokens], `offsets` int64 [2 * battles + 1] into it, `labels` [battles].
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def lengths(self) -> np.ndarray:
        """Return the number of tokens of each side: int64 [battles, 2]."""
        return np.diff(self.offsets).reshape(-1, 2)

    def pad(self, battles: np.ndarray, width: int) -> dict[str, np.ndarray]:
        """Return `token_ids` and `padding_mask`, int32 [battles, 2, width]."""
        mask = np.arange(width) < self.lengths()[battles][:, :, None]
        token_ids = np.zeros(mask.shape, dtype=np.int32)
        first = self.offsets[:-1].reshape(-1, 2)[battles][:, :, None]
        token_ids[mask] = self.ids[(first + np.arange(width))[mask]]
        return {"token_ids": token_ids, "padding_mask": mask.astype(np.int32)}

    def batch(self, battles: np.ndarray, width: int | None = None) -> Batch:
        """Return inputs and one-hot labels, padded to `width` or to the longest sequence."""
        longest = int(self.lengths()[battles].max())
        one_hot = np.eye(LABELS, dtype=np.float32)[self.labels[battles]]
        return self.pad(battles, width or longest), one_hot


def save_sequences(sequences: Sequences, path: Path) -> None:
    """Write one uncompressed .npz."""
    np.savez(path, ids=sequences.ids, offsets=sequences.offsets, labels=sequences.labels)


def load_sequences(path: Path) -> Sequences:
    """Read what `save_sequences` wrote."""
    with np.load(path) as arrays:
        return Sequences(**arrays)


def full_rows(sequences: Sequences, width: int) -> Sequences:
    """Return the same tokens, one sequence after the other, cut into pairs of full rows.

    The last pair is filled with the first tokens. Its labels are the first battles'.
    """
    pairs = -(-len(sequences.ids) // (2 * width))
    offsets = np.arange(2 * pairs + 1) * width
    ids = np.resize(sequences.ids, offsets[-1])
    return Sequences(ids, offsets, np.resize(sequences.labels, pairs))


def random_batches(battles: int, size: int, seed: int) -> list[np.ndarray]:
    """Cut a random order of the battles into batches of positions."""
    return _cut(np.random.default_rng(seed).permutation(battles), size)


def grouped_batches(lengths: np.ndarray, size: int, seed: int) -> list[np.ndarray]:
    """Cut as Hugging Face's `group_by_length` does: sorted within 50 batches of a random order.

    Args:
        lengths: of the longer side, [battles].
    """
    order = np.random.default_rng(seed).permutation(len(lengths))
    window = size * GROUPED_BATCHES
    batches = []
    for start in range(0, len(order), window):
        positions = order[start : start + window]
        batches += _cut(positions[np.argsort(-lengths[positions], kind="stable")], size)
    return batches


def longest_first(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut the battles, longest first."""
    return _cut(np.argsort(-lengths, kind="stable"), size)


def padding_share(batches: Iterator[Batch]) -> float:
    """Return which share of what the model reads is padding."""
    tokens = cells = 0
    for inputs, _ in batches:
        tokens += int(inputs["padding_mask"].sum())
        cells += inputs["padding_mask"].size
    return 1 - tokens / cells


def _cut(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[first : first + size] for first in range(0, len(order), size)]
