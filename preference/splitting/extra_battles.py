"""Extra battles: more of train, and of nothing else.

Guarantees
1. The other battles' splits are the same with extra battles as without.
2. An extra battle that is linked to any other battle, be it over a third one, is left out. The
   links are those of `prompt_groups`, and where near duplicates are grouped, that to one.
3. Extra battles that are linked to each other have one group.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.splitting.stratified import TRAIN


def mark_extra(sources: pa.ChunkedArray, extra: Sequence[str]) -> np.ndarray:
    """Say of each battle whether its source is one of the extra ones, bool [n]."""
    return pc.is_in(sources, pa.array(extra, pa.string())).to_numpy()


def add_extra_battles(
    splits: Mapping[str, pa.Table], ids: np.ndarray, groups: np.ndarray, is_extra: np.ndarray
) -> dict[str, pa.Table]:
    """Return the splits, with those extra battles in train that no other battle is linked to.

    Args:
        splits: tables of `id` and `group`, of the battles that are not extra.
        ids: of all battles, int64 [n].
        groups: of all battles together, the extra ones among them, int64 [n].
        is_extra: bool [n].
    """
    is_free = is_extra & ~np.isin(groups, groups[~is_extra])
    free = pa.table({"id": ids[is_free], "group": groups[is_free]})
    return {**splits, TRAIN: pa.concat_tables([splits[TRAIN], free]).sort_by("id")}


def count_extra_battles(
    train: pa.Table, ids: np.ndarray, sources: pa.ChunkedArray, extra: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Count for each extra source the battles that are in train, and those that are left out.

    Args:
        train: the split, with `id`.
        ids: of all battles, int64 [n].
        sources: of all battles, [n].
        extra: the names of the extra sources.
    """
    in_train = pd.Index(train["id"]).get_indexer(ids) >= 0
    counts = {}
    for name in extra:
        is_of_source = mark_extra(sources, [name])
        rows = int((is_of_source & in_train).sum())
        counts[name] = {"rows_in_train": rows, "rows_left_out": int(is_of_source.sum()) - rows}
    return counts
