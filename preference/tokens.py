"""Token ids of every turn, computed once per tokenizer, neither truncated nor padded.

One folder a tokenizer, flat NumPy arrays with offsets, opened as memory maps:

    battle_ids.npy               int64 [battles], ascending
    turn_offsets.npy             int64 [battles + 1]: the turns of battle i
    <segment>.token_offsets.npy  int64 [turns + 1]: the tokens of turn t
    <segment>.token_ids.npy      int32 [tokens]
    special_tokens.json          ids of cls, sep and pad, and the vocabulary size

Beside them stands the tokenizer itself, as a keras-nlp preset folder.
"""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from preference.battles import SEGMENTS
from preference.errors import BadInput, check_exists

COPY_ITEMS = 1 << 22
INDEX = "index.json"


@dataclass(frozen=True)
class SpecialTokens:
    """Ids that packing needs, and the size of the embedding table."""

    cls: int
    sep: int
    pad: int
    vocabulary_size: int


@dataclass(frozen=True)
class Segment:
    """Tokens of one segment: `offsets` int64 [turns + 1] into `ids` int32 [tokens]."""

    offsets: np.ndarray
    ids: np.ndarray


@dataclass(frozen=True)
class Tokens:
    """The tokens of all battles; arrays as the module describes."""

    battle_ids: np.ndarray
    turn_offsets: np.ndarray
    segments: dict[str, Segment]
    special: SpecialTokens

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the row of each battle id.

        Raises:
            BadInput: an id was not tokenized.
        """
        rows = np.searchsorted(self.battle_ids, ids)
        found = self.battle_ids[np.minimum(rows, len(self.battle_ids) - 1)] == ids
        if not found.all():
            raise BadInput(f"battle {ids[~found][0]} has no tokens: run `dvc repro preprocess`.")
        return rows


class SegmentWriter:
    """Append the turns of one segment to disk, so that memory does not grow with their number."""

    def __init__(self) -> None:
        self._ids: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115, closed by save
        self._lengths: list[np.ndarray] = []

    def append(self, token_ids: np.ndarray, lengths: np.ndarray) -> None:
        """Add turns: int32 [sum of lengths] and int64 [turns]."""
        token_ids.astype(np.int32).tofile(self._ids)
        self._lengths.append(lengths)

    def save(self, folder: Path, segment: str) -> None:
        """Write `<segment>.token_offsets.npy` and `<segment>.token_ids.npy`."""
        offsets = offsets_of(np.concatenate(self._lengths))
        np.save(folder / f"{segment}.token_offsets.npy", offsets)
        with (folder / f"{segment}.token_ids.npy").open("wb") as file:
            header = {"descr": "<i4", "fortran_order": False, "shape": (int(offsets[-1]),)}
            np.lib.format.write_array_header_1_0(file, header)
            self._ids.seek(0)
            while chunk := self._ids.read(4 * COPY_ITEMS):
                file.write(chunk)
        self._ids.close()


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Return where each of consecutive pieces starts, and where the last ends: int64 [n + 1]."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def save_index(
    folder: Path, battle_ids: np.ndarray, turns: Iterable[int], special: SpecialTokens
) -> None:
    """Write what is not of one segment."""
    np.save(folder / "battle_ids.npy", battle_ids)
    np.save(folder / "turn_offsets.npy", offsets_of(np.asarray(turns)))
    text = json.dumps(asdict(special), indent=2) + "\n"
    (folder / "special_tokens.json").write_text(text)


def find_tokens(folder: Path, preset: str) -> Path:
    """Return the folder that holds the tokens of a preset's tokenizer.

    Raises:
        BadInput: the preset's tokens have not been made.
    """
    check_exists(folder / INDEX, "preprocess")
    folders = json.loads((folder / INDEX).read_text())
    if preset not in folders:
        raise BadInput(
            f"{folder} has no tokens for preset {preset!r}. In dvc.yaml, list the parameter that "
            "names it under the params of preprocess, and run `dvc repro`."
        )
    return folder / folders[preset]


def open_tokens(folder: Path) -> Tokens:
    """Map the tokens of a folder into memory, read-only."""
    return Tokens(
        battle_ids=np.load(folder / "battle_ids.npy"),
        turn_offsets=np.load(folder / "turn_offsets.npy"),
        segments={
            segment: Segment(
                offsets=np.load(folder / f"{segment}.token_offsets.npy", mmap_mode="r"),
                ids=np.load(folder / f"{segment}.token_ids.npy", mmap_mode="r"),
            )
            for segment in SEGMENTS
        },
        special=SpecialTokens(**json.loads((folder / "special_tokens.json").read_text())),
    )
