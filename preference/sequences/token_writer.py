"""Write the files of `preference.sequences.token_store` without holding tokens in memory.

Battles are tokenized in any order, and stored in the order of their ids. The tokens of a field
are first appended to a temporary file, and copied from it once the order is known.
"""

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from preference.runtime.strict_json import to_json
from preference.sequences.token_store import SpecialTokens

TOKEN_BYTES = 4


class FieldWriter:
    """Append the turns of one field to disk, and put them in order at the end."""

    def __init__(self, folder: Path, field: str) -> None:
        self._folder, self._field = folder, field
        # On some machines /tmp is in memory.
        self._ids: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed by save
        self._lengths: list[np.ndarray] = []

    def append(self, token_ids: np.ndarray, lengths: np.ndarray) -> None:
        """Add turns: int32 [sum of lengths] and int64 [turns]."""
        token_ids.astype(np.int32).tofile(self._ids)
        self._lengths.append(lengths)

    def save(self, order: np.ndarray) -> None:
        """Write `<field>.token_offsets.npy` and `<field>.token_ids.npy`.

        Args:
            order: the turns in their new order, as positions in the order of `append`: int64
                [turns].
        """
        lengths = np.concatenate(self._lengths)
        starts, offsets = offsets_of(lengths)[order], offsets_of(lengths[order])
        np.save(self._folder / f"{self._field}.token_offsets.npy", offsets)
        with (self._folder / f"{self._field}.token_ids.npy").open("wb") as file:
            header = {"descr": "<i4", "fortran_order": False, "shape": (int(offsets[-1]),)}
            np.lib.format.write_array_header_1_0(file, header)
            for start, length in zip(starts.tolist(), lengths[order].tolist(), strict=True):
                file.write(os.pread(self._ids.fileno(), length * TOKEN_BYTES, start * TOKEN_BYTES))
        self._ids.close()


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Return the start of each of n consecutive pieces, and the end of the last: int64 [n + 1]."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def order_of_turns(order: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return the order of all turns, int64 [turns], after the battles are reordered.

    Args:
        order: the battles in their new order, as positions in the old one: int64 [battles].
        turns: number of turns of each battle, in the old order: int [battles].
    """
    starts, bounds = offsets_of(turns)[order], offsets_of(turns[order])
    return np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], turns[order])


def save_index(
    folder: Path, battle_ids: np.ndarray, turns: np.ndarray, special: SpecialTokens
) -> None:
    """Write `battle_ids.npy`, `turn_offsets.npy` and `special_tokens.json`.

    Args:
        folder: exists.
        battle_ids: ascending, int64 [battles].
        turns: number of turns of each battle, int [battles].
        special: ids of the special tokens.
    """
    np.save(folder / "battle_ids.npy", battle_ids)
    np.save(folder / "turn_offsets.npy", offsets_of(turns))
    text = to_json(asdict(special), indent=2)
    (folder / "special_tokens.json").write_text(text)
