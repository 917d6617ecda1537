"""The battles of a leaderboard: those of `data.source` whose two models are named.

The names are read here alone; no model that predicts sees them. Where some models never meet the
others, not even through third ones, their ratings cannot be compared: the largest set of models
that are connected is rated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preference.battles.soft_labels import (
    label_columns,
    read_labels,
    read_weights,
    to_shares,
)
from preference.battles.splits import PREDICTED_SPLITS, read_members, split_file
from preference.battles.table import BATTLES, read_battles, scan_battles
from preference.leaderboard.style import count_style, style_differences

ALL_SPLITS = ("train", "valid", *PREDICTED_SPLITS)
# The score of A for each label: a tie is half a win, as the Arena counts it. The shares of a soft
# label are fractions of a win.
SCORES = np.array([1.0, 0.0, 0.5])


@dataclass(frozen=True)
class RatedBattles:
    """The battles of a leaderboard.

    Attributes:
        models: the names, in alphabetical order.
        ids: int64 [n].
        groups: the group of each battle, int64 [n].
        pairs: the numbers in `models` of A and B, int64 [n, 2].
        scores: of A by the votes, float64 [n].
        style: differences of style, float64 [n, 4].
        left_out: the number of battles that are not rated, by the reason.
        weights: of the battles, float64 [n]; None if all are 1.
    """

    models: list[str]
    ids: np.ndarray
    groups: np.ndarray
    pairs: np.ndarray
    scores: np.ndarray
    style: np.ndarray
    left_out: dict[str, int]
    weights: np.ndarray | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of battles of each model, int64 [models]."""
        return np.bincount(self.pairs.ravel(), minlength=len(self.models))

    def positions(self, ids: np.ndarray) -> np.ndarray:
        """Return where the battles `ids` are, int64 [m]; those that are not rated are left out."""
        order = np.argsort(self.ids)
        found = np.searchsorted(self.ids, ids, sorter=order).clip(max=len(order) - 1)
        rows = order[found] if len(order) else np.empty(0, dtype=np.int64)
        return rows[self.ids[rows] == ids] if len(order) else rows


def read_rated_battles(extra: Sequence[str]) -> RatedBattles:
    """Read the battles whose models are named.

    Args:
        extra: the names of extra sources, whose battles are for train alone.

    Raises:
        BadInput: a file is missing.
    """
    table = read_battles(BATTLES, ["id", "model_a", "model_b", "source", *label_columns(BATTLES)])
    weights, members = read_weights(table), _read_members()
    places = pc.index_in(table["id"], value_set=members["id"])
    kept = pc.and_(
        pc.is_valid(places), pc.invert(pc.is_in(table["source"], pa.array(extra, pa.string())))
    )
    kept = kept.to_numpy()
    named = pc.and_(pc.is_valid(table["model_a"]), pc.is_valid(table["model_b"])).to_numpy()
    differs = pc.fill_null(pc.not_equal(table["model_a"], table["model_b"]), False).to_numpy()
    rated = kept & named & differs
    models, pairs = _number_models(table.filter(rated))
    connected = _largest_component(pairs, len(models))
    rows = np.flatnonzero(rated)[connected]
    used, numbers = np.unique(pairs[connected], return_inverse=True)
    return RatedBattles(
        models=[models[number] for number in used],
        ids=table["id"].to_numpy()[rows],
        groups=members["group"].to_numpy()[places.take(pa.array(rows)).to_numpy()],
        pairs=numbers.reshape(-1, 2),
        scores=to_shares(read_labels(table))[rows] @ SCORES,
        style=_read_style()[rows] if len(rows) else np.empty((0, 4)),
        left_out={
            "without the names of both models": int((kept & ~named).sum()),
            "of a model against itself": int((kept & named & ~differs).sum()),
            "of models that never meet the others": int(rated.sum() - len(rows)),
        },
        weights=None if weights is None else weights[rows],
    )


def _read_members() -> pa.Table:
    """Return `id` and `group` of the battles of all splits; with folds, each is in several."""
    splits = [read_members(split_file(split)).select(["id", "group"]) for split in ALL_SPLITS]
    return pa.concat_tables(splits).group_by(["id", "group"]).aggregate([])


def _number_models(table: pa.Table) -> tuple[list[str], np.ndarray]:
    """Return the names in alphabetical order, and the numbers of A and B, [n, 2]."""
    columns = [table["model_a"].to_pylist(), table["model_b"].to_pylist()]
    names = sorted({*columns[0], *columns[1]})
    numbers = {name: number for number, name in enumerate(names)}
    pairs = [[numbers[name] for name in column] for column in columns]
    return names, np.array(pairs, dtype=np.int64).T.reshape(-1, 2)


def _largest_component(pairs: np.ndarray, models: int) -> np.ndarray:
    """Return which battles are between models of the largest connected set: bool [n]."""
    if not len(pairs):
        return np.zeros(0, dtype=bool)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(models, models))
    component = connected_components(graph, directed=False)[1]
    return component[pairs[:, 0]] == np.bincount(component[pairs[:, 0]]).argmax()


def _read_style() -> np.ndarray:
    """Return the differences of style of all battles, [n, 4]."""
    counts: list[list[tuple[int, ...]]] = [[], []]
    for batch in scan_battles(BATTLES, ["response_a", "response_b"], "style"):
        for side, column in zip(counts, batch.columns, strict=True):
            side.extend(map(count_style, column.to_pylist()))
    return style_differences(np.array(counts[0]), np.array(counts[1]))
