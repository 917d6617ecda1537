"""Add extra battles to the train split.

Guarantees
1. The splits of the battles of `data.source` are the same with extra battles as without.
2. An extra battle that is in one group with a battle of `data.source` is left out. Groups are those
   of `leakage_groups`; where near duplicates are grouped, they count as links too.
3. Extra battles that are linked to each other are in one group.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.splitting.stratified import TRAIN


def mark_extra(sources: pa.ChunkedArray, extra: Sequence[str]) -> np.ndarray:
    """Return whether the source of each battle is one of the extra ones, bool [n]."""
    return pc.is_in(sources, pa.array(extra, pa.string())).to_numpy()


def add_extra_battles(
    splits: Mapping[str, pa.Table], ids: np.ndarray, groups: np.ndarray, is_extra: np.ndarray
) -> dict[str, pa.Table]:
    """Add to train the extra battles that share no group with another battle.

    Args:
        splits: tables of `id` and `group` of the battles that are not extra.
        ids: the ids of all battles, int64 [n].
        groups: the groups of all battles, extra ones included, int64 [n].
        is_extra: whether each battle is extra, bool [n].
    """
    is_free = is_extra & ~np.isin(groups, groups[~is_extra])
    free = pa.table({"id": ids[is_free], "group": groups[is_free]})
    return {**splits, TRAIN: pa.concat_tables([splits[TRAIN], free]).sort_by("id")}


def count_extra_battles(
    train: pa.Table, ids: np.ndarray, sources: pa.ChunkedArray, extra: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Count for each extra source the battles that are in train, and those that are left out.

    Args:
        train: the train split, with `id`.
        ids: the ids of all battles, int64 [n].
        sources: the sources of all battles, [n].
        extra: the names of the extra sources.
    """
    in_train = pd.Index(train["id"]).get_indexer(ids) >= 0
    counts = {}
    for name in extra:
        is_of_source = mark_extra(sources, [name])
        rows = int((is_of_source & in_train).sum())
        counts[name] = {"rows_in_train": rows, "rows_left_out": int(is_of_source.sum()) - rows}
    return counts
