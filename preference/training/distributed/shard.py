"""Batches that are cut among devices, with one shape a width: JAX compiles each shape again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shard:
    """The rows of every batch that one process reads.

    Args:
        rank: of this process, from 0.
        processes: how many there are.
        devices: of all processes; each computes as many rows as any other.
    """

    rank: int = 0
    processes: int = 1
    devices: int = 1

    def cut(
        self, batches: Sequence[np.ndarray], widths: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield this process's positions of each batch, and whether they count: float32, 1 or 0.

        Batches of a width get the size of the largest, in whole rows a device: the last battle is
        repeated, and does not count.

        Args:
            batches: positions into `widths`, of one width each.
            widths: int64 [battles].
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
