"""Split batches among devices, with one shape per width: JAX compiles each shape again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shard:
    """The rows of every batch that one process reads.

    Args:
        rank: of this process, counted from 0.
        processes: number of processes.
        devices: number of devices of all processes; each computes equally many rows.
    """

    rank: int = 0
    processes: int = 1
    devices: int = 1

    def split_batches(
        self, batches: Sequence[np.ndarray], widths: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield this process's positions of each batch, and their weights.

        All batches of one width get the size of the largest, rounded up to a multiple of the
        devices: the last battle is repeated with weight 0.

        Args:
            batches: positions into `widths`; all battles of a batch have one width.
            widths: int64 [battles].

        Yields: positions, int64 [rows], and weights, float32 [rows]: 1, or 0 for a repeated battle.
        """
        sizes: dict[int, int] = {}
        for batch in batches:
            width = int(widths[batch[0]])
            sizes[width] = max(sizes.get(width, 0), len(batch))
        for batch in batches:
            size = -(-sizes[int(widths[batch[0]])] // self.devices) * self.devices
            positions = np.pad(batch, (0, size - len(batch)), mode="edge")
            counts = (np.arange(size) < len(batch)).astype(np.float32)
            rows = size // self.processes
            mine = slice(self.rank * rows, (self.rank + 1) * rows)
            yield positions[mine], counts[mine]
