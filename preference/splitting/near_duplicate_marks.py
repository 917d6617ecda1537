"""Mark battles whose prompt is a near duplicate of a prompt in train."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from preference.splitting.near_duplicates import NearDuplicates
from preference.splitting.stratified import TRAIN


def mark_near_duplicates(
    splits: Mapping[str, pa.Table], ids: np.ndarray, near: NearDuplicates
) -> dict[str, pa.Table]:
    """Add a bool column `near_duplicate` to the splits; it is False throughout train.

    Args:
        splits: tables of `id` and `group`.
        ids: the ids of all battles, int64 [n].
        near: the near duplicates among all battles.
    """
    rows = {name: pd.Index(ids).get_indexer(split["id"]) for name, split in splits.items()}
    in_train = np.zeros(len(ids), dtype=bool)
    in_train[rows[TRAIN]] = True
    marks = near.has_one_among(in_train) & ~in_train
    return {
        name: split.append_column("near_duplicate", pa.array(marks[rows[name]]))
        for name, split in splits.items()
    }
