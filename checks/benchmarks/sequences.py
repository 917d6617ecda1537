"""Packed sequences of battles in one NumPy file, and batches of them.

The module imports NumPy alone, so that other systems can read battles in their own environment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LABELS = 3
# The number of batches within which Hugging Face's `group_by_length` sorts.
GROUPED_BATCHES = 50

Batch = tuple[dict[str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Sequences:
    """Two sequences for each battle, A first.

    Attributes:
        ids: the token ids of all sequences, int32 [tokens].
        offsets: where each sequence begins and ends in `ids`, int64 [2 * battles + 1].
        labels: int [battles].
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
    """Concatenate all sequences, and cut them into pairs of rows without padding.

    The last pair is completed with the first tokens. The labels are those of the first battles.
    """
    pairs = -(-len(sequences.ids) // (2 * width))
    offsets = np.arange(2 * pairs + 1) * width
    ids = np.resize(sequences.ids, offsets[-1])
    return Sequences(ids, offsets, np.resize(sequences.labels, pairs))


def random_batches(battles: int, size: int, seed: int) -> list[np.ndarray]:
    """Divide a random order of the battles into batches of positions."""
    return _divide(np.random.default_rng(seed).permutation(battles), size)


def grouped_batches(lengths: np.ndarray, size: int, seed: int) -> list[np.ndarray]:
    """Divide as Hugging Face's `group_by_length`: sorted within 50 batches of a random order.

    Args:
        lengths: the length of the longer side of each battle, [battles].
        size: the number of battles in a batch.
        seed: decides the random order.
    """
    order = np.random.default_rng(seed).permutation(len(lengths))
    window = size * GROUPED_BATCHES
    batches = []
    for start in range(0, len(order), window):
        positions = order[start : start + window]
        batches += _divide(positions[np.argsort(-lengths[positions], kind="stable")], size)
    return batches


def longest_first(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Divide the battles into batches, the longest battles first."""
    return _divide(np.argsort(-lengths, kind="stable"), size)


def padding_share(batches: Iterator[Batch]) -> float:
    """Return the fraction of padding in the input of the model."""
    tokens = cells = 0
    for inputs, _ in batches:
        tokens += int(inputs["padding_mask"].sum())
        cells += inputs["padding_mask"].size
    return 1 - tokens / cells


def _divide(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[first : first + size] for first in range(0, len(order), size)]
