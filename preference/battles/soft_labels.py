"""Soft labels: the share of each label in a battle, such as that of votes, and weights of battles.

Wherever `labels` are those of n battles, they are the indices of labels, int [n], or the shares of
`LABELS`, float64 [n, 3], whose rows sum to 1. A battle with the shares (0.5, 0.5, 0) counts as two
battles of half its weight, one that A wins and one that B wins; a weight of 2 counts as the battle
twice. The table of battles has the columns `shares` and `weight` only where some battle needs them.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike

from preference.battles.predictions import are_probabilities
from preference.battles.table import BATTLES, LABELS, label_shares, one_hot
from preference.runtime.errors import BadInput, check_exists

SHARES, WEIGHT = "shares", "weight"
SOFT_FIELDS = (
    pa.field(SHARES, pa.list_(pa.float64(), len(LABELS)), nullable=False),
    pa.field(WEIGHT, pa.float64(), nullable=False),
)


def with_soft_labels(schema: pa.Schema) -> pa.Schema:
    """Return a schema of battles with the columns `shares` and `weight`."""
    return pa.schema([*schema, *SOFT_FIELDS])


def label_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of the table of battles that say how they were decided.

    Raises:
        BadInput: the file does not exist.
    """
    check_exists(path, "fetch")
    names = pq.read_schema(path).names
    return ("label", *(name for name in (SHARES, WEIGHT) if name in names))


def read_labels(battles: pa.Table) -> np.ndarray:
    """Return the labels of battles: their shares where one of them is soft, and else int [n].

    Args:
        battles: with the `label_columns` of their table.

    Raises:
        BadInput: some shares are not probabilities.
    """
    if SHARES in battles.column_names:
        shares = read_shares(battles[SHARES])
        if not are_probabilities(shares):
            raise BadInput(f"{BATTLES} has shares that do not sum to 1. Run `dvc repro fetch`.")
        if find_soft(shares).any():
            return shares
    return battles["label"].to_numpy()


def read_shares(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return a column of shares as float64 [n, 3]."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return values.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(LABELS))


def read_weights(battles: pa.Table) -> np.ndarray | None:
    """Return the weights of battles, float64 [n]; None where their table has none.

    Raises:
        BadInput: a weight is not a number above 0.
    """
    if WEIGHT not in battles.column_names:
        return None
    weights = battles[WEIGHT].to_numpy()
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise BadInput(f"{BATTLES} has a weight that is not above 0. Run `dvc repro fetch`.")
    return weights


def find_soft(labels: np.ndarray) -> np.ndarray:
    """Return whether each label is soft, bool [n]: whether several labels have a share."""
    if labels.ndim == 1:
        return np.zeros(len(labels), dtype=bool)
    return np.count_nonzero(labels, axis=1) > 1


def label_codes(labels: np.ndarray) -> np.ndarray:
    """Return the label with the largest share, int [n]; of equal ones, the first of `LABELS`."""
    return labels if labels.ndim == 1 else labels.argmax(axis=1)


def to_shares(labels: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return the shares of each label, [n, 3]."""
    return one_hot(labels, dtype) if labels.ndim == 1 else labels.astype(dtype)


def weigh_shares(labels: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the share of each label times the weight of the battle, float64 [n, 3]."""
    shares = to_shares(labels)
    return shares if weights is None else shares * weights[:, None]


def split_shares(
    labels: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Divide each battle into one for each label that has a share.

    Args:
        labels: of n battles.
        weights: float64 [n]; None if all are 1.

    Returns:
        The position of the divided battle, its label, both int [m], and its weight, float64 [m],
        which is None where all are 1.
    """
    if labels.ndim == 1:
        return np.arange(len(labels)), labels, weights
    weighted = weigh_shares(labels, weights)
    rows, codes = np.nonzero(weighted)
    return rows, codes, weighted[rows, codes]


def entropies(labels: np.ndarray) -> np.ndarray:
    """Return the entropy of each label in nats, float64 [n], below which no log loss can be."""
    shares = to_shares(labels)
    return -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)


def summarize_soft_labels(
    labels: np.ndarray, weights: np.ndarray | None
) -> dict[str, dict[str, float]]:
    """Describe soft labels and weights as metrics files hold them, as far as there are any.

    `entropy` is that of the labels, the lowest log loss that any prediction can have.

    Args:
        labels: of n battles, n > 0.
        weights: float64 [n]; None if all are 1.
    """
    found: dict[str, dict[str, float]] = {}
    if (soft := find_soft(labels)).any():
        entropy = float(np.average(entropies(labels), weights=weights))
        found["soft_labels"] = {"rows": int(soft.sum()), "entropy": entropy}
    if weights is not None and np.any(weights != 1):
        found["battle_weights"] = {"min": float(weights.min()), "max": float(weights.max())}
    return found


def label_prior(
    labels: np.ndarray, has_ties: np.ndarray | None, weights: np.ndarray | None = None
) -> list[float]:
    """Return the fraction of each label, by which a battle without any text would be predicted.

    Sources without ties are left out if there are others, and the fraction of ties is 0 if there
    are none.

    Args:
        labels: of n battles, n > 0.
        has_ties: whether the source of each battle has ties, bool [n]; None if all have.
        weights: of the battles, float64 [n]; None if all are 1.
    """
    counted = np.ones(len(labels), dtype=bool) if has_ties is None else has_ties
    if not counted.any():
        counted = ~counted
    if labels.ndim == 1 and weights is None:
        return list(label_shares(labels[counted]).values())
    totals = weigh_shares(labels, weights)[counted].sum(axis=0)
    return (totals / totals.sum()).tolist()
