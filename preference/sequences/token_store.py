"""Token ids of every turn, computed once per tokenizer, neither truncated nor padded.

Each tokenizer has a folder of flat NumPy arrays with offsets, opened as memory maps:

    battle_ids.npy               int64 [battles], ascending
    turn_offsets.npy             int64 [battles + 1]: the turns of battle i
    <field>.token_offsets.npy  int64 [turns + 1]: the tokens of turn t
    <field>.token_ids.npy      int32 [tokens]
    special_tokens.json          ids of cls, sep and pad, and the vocabulary size

The folder also holds the tokenizer itself, in the format of a keras-nlp preset.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from preference.battles.table import FIELDS
from preference.config.validation import Count, checked
from preference.runtime.errors import BadInput
from preference.runtime.strict_json import read_checked

TOKENS = Path("data/tokens")
INDEX, STAGE = "index.json", "preprocess"

FolderName = Annotated[str, Field(pattern="^[a-z0-9]{1,64}$")]
TokenId = Annotated[int, Field(ge=0, lt=2**31)]


@checked
class SpecialTokens:
    """Ids that packing needs, and the size of the embedding table."""

    cls: TokenId
    sep: TokenId
    pad: TokenId
    vocabulary_size: Count

    def __post_init__(self) -> None:
        if max(self.cls, self.sep, self.pad) >= self.vocabulary_size:
            raise ValueError(f"a special token is not among {self.vocabulary_size} tokens")


@dataclass(frozen=True)
class FieldTokens:
    """Tokens of one field: `offsets`, int64 [turns + 1], into `ids`, int32 [tokens]."""

    offsets: np.ndarray
    ids: np.ndarray


@dataclass(frozen=True)
class Tokens:
    """The tokens of all battles; the arrays are those of the module's docstring."""

    battle_ids: np.ndarray
    turn_offsets: np.ndarray
    fields: dict[str, FieldTokens]
    special: SpecialTokens

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the row of each battle id.

        Raises:
            BadInput: a battle was not tokenized.
        """
        rows = np.searchsorted(self.battle_ids, ids)
        found = self.battle_ids[np.minimum(rows, len(self.battle_ids) - 1)] == ids
        if not found.all():
            raise BadInput(f"battle {ids[~found][0]} has no tokens: run `dvc repro preprocess`.")
        return rows


def name_in_index(preset: str, fold: int | None) -> str:
    """Return the name of a preset's tokenizer, which each fold may train on its train split."""
    return preset if fold is None else f"{preset}, fold {fold}"


def find_tokens(folder: Path, preset: str, fold: int | None = None) -> Path:
    """Return the folder that holds the tokens of a preset's tokenizer.

    Raises:
        BadInput: the preset's tokens have not been made.
    """
    folders = read_checked(dict[str, FolderName], folder / INDEX, STAGE)
    name = name_in_index(preset, fold)
    if name not in folders:
        raise BadInput(f"{folder} has no tokens for preset {name!r}: run `dvc repro {STAGE}`.")
    return folder / folders[name]


def find_trained_tokens(folder: str, name: str) -> Path:
    """Return the path of the tokens on which an experiment was trained.

    Args:
        folder: its name below data/tokens/.
        name: of the experiment.

    Raises:
        BadInput: the folder no longer exists, because the tokenizer has changed since.
    """
    path = TOKENS / folder
    if not path.exists():
        raise BadInput(
            f"{path} does not exist, and {name} was trained on it: run `dvc repro train_{name}`."
        )
    return path


def open_tokens(folder: Path) -> Tokens:
    """Map the tokens of a folder into memory, read-only.

    Raises:
        BadInput: `special_tokens.json` is missing or damaged.
    """
    return Tokens(
        battle_ids=np.load(folder / "battle_ids.npy"),
        turn_offsets=np.load(folder / "turn_offsets.npy"),
        fields={
            field: FieldTokens(
                offsets=np.load(folder / f"{field}.token_offsets.npy", mmap_mode="r"),
                ids=np.load(folder / f"{field}.token_ids.npy", mmap_mode="r"),
            )
            for field in FIELDS
        },
        special=read_checked(SpecialTokens, folder / "special_tokens.json", STAGE),
    )
