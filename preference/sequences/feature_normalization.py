"""Normalise dense features by what they are in train, for each side of a battle.

Guarantees
1. Swapping the answers of a battle swaps the numbers of its sides, to the last bit: both answers of
   train have one mean and one deviation, and the sides share what describes the pair or the prompt.
2. No number is NaN, infinite or above `FARTHEST`, however unlike train a text is.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from preference.config.validation import Finite, Text, checked
from preference.runtime.strict_json import read_checked, to_json
from preference.sequences.feature_store import ID, find_rows, is_of_pair
from preference.sequences.packing import SIDES

# In deviations. A text far from all of train would otherwise outweigh everything else.
FARTHEST = 5.0
MOST_FEATURES = 1000


@checked
class Scale:
    """The mean and deviation of a feature in train; a deviation of 0 says that it was constant."""

    name: Text
    mean: Finite
    deviation: Annotated[Finite, Field(ge=0)]


@checked
class Normalization:
    """The features that a model reads, in their order, each with its scale."""

    features: Annotated[list[Scale], Field(min_length=1, max_length=MOST_FEATURES)]

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.features):
            raise ValueError("it names a feature twice")

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [one.name for one in self.features]

    def normalize(self, table: np.ndarray) -> np.ndarray:
        """Return the features of both sides, float32 [n, 2, features].

        Args:
            table: rows as `preference.sequences.feature_store` describes them, [n].
        """
        raw = np.empty((len(table), len(SIDES), len(self.features)))
        for column, name in enumerate(self.names):
            raw[:, :, column] = table[name].reshape(len(table), -1)
        mean, deviation = (
            np.array([getattr(one, name) for one in self.features])
            for name in ("mean", "deviation")
        )
        # A constant said nothing in train, and so another value of it means nothing.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            normalized = np.where(deviation > 0, (raw - mean) / deviation, 0)
        return np.clip(normalized, -FARTHEST, FARTHEST).astype(np.float32)


@dataclass(frozen=True)
class SideFeatures:
    """The features of some battles, normalised when they are read.

    Args:
        table: of these battles, and maybe of others, as in `preference.sequences.feature_store`.
        rows: of the battles in `table`, int64 [battles].
        normalization: by which they are normalised.
    """

    table: np.ndarray
    rows: np.ndarray
    normalization: Normalization

    def read(self, positions: np.ndarray | slice) -> np.ndarray:
        """Return the features of both sides of battles, float32 [n, 2, features]."""
        return self.normalization.normalize(self.table[self.rows[positions]])

    def of(self, ids: np.ndarray) -> "SideFeatures":
        """Return those of the battles `ids`, int64 [n], normalised alike.

        Raises:
            BadInput: a battle has no features.
        """
        return replace(self, rows=find_rows(self.table, ids))


def fit_features(table: np.ndarray, ids: np.ndarray, with_pair: bool) -> SideFeatures:
    """Return the features of the battles `ids` of train, int64 [n], normalised by themselves.

    Args:
        table: as in `preference.sequences.feature_store`.
        ids: of the battles.
        with_pair: whether the features of the pair are used.

    Raises:
        BadInput: a battle has no features.
    """
    rows = find_rows(table, ids)
    train = table[rows]
    columns = [name for name in table.dtype.names or () if name != ID]
    names = [name for name in columns if with_pair or not is_of_pair(name)]
    scales = [_fit_scale(name, train[name].astype(np.float64)) for name in names]
    return SideFeatures(table, rows, Normalization(features=scales))


def write_normalization(normalization: Normalization, path: Path) -> None:
    """Write the file that `read_normalization` reads."""
    path.write_text(to_json(asdict(normalization), indent=2), encoding="utf-8")


def read_normalization(path: Path, stage: str) -> Normalization:
    """Read the normalisation that the DVC stage `stage` writes.

    Raises:
        BadInput: the file is missing or damaged.
    """
    return read_checked(Normalization, path, stage)


def _fit_scale(name: str, values: np.ndarray) -> Scale:
    # In float64, the mean of equal float32 numbers is exact, and so is their deviation of 0.
    return Scale(name=name, mean=float(values.mean()), deviation=float(values.std()))
