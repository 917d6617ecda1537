"""Find the sources without ties, and mark their battles in the splits.

A file without a tie is a source of its own without ties: `chosen` and `rejected`, or votes for A or
B alone. The parts of one table, such as `train-00000-of-00002.parquet`, are one source.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles.soft_labels import to_shares
from preference.battles.splits import HAS_TIES
from preference.battles.table import TIE

NUMBER_OF_PART = r"-\d+-of-\d+"


def find_has_ties(sources: pa.ChunkedArray, labels: np.ndarray) -> np.ndarray:
    """Return whether the source of each battle has ties, bool [n].

    Args:
        sources: the source of each battle, string [n].
        labels: of the battles, int [n] or float64 [n, 3].
    """
    names = sources.combine_chunks().dictionary_encode()
    tables = pc.replace_substring_regex(names.dictionary, NUMBER_OF_PART, "").dictionary_encode()
    table = tables.indices.to_numpy()[names.indices.to_numpy()]
    ties = np.bincount(table[to_shares(labels)[:, TIE] > 0], minlength=len(tables.dictionary))
    return (ties > 0)[table]


def mark_has_ties(
    splits: Mapping[str, pa.Table], ids: np.ndarray, has_ties: np.ndarray
) -> dict[str, pa.Table]:
    """Add a bool column `has_ties` to the splits, unless it is true for all battles.

    Args:
        splits: tables with `id`.
        ids: the ids of all battles, int64 [n].
        has_ties: whether the source of each battle has ties, bool [n].
    """
    if has_ties.all():
        return dict(splits)
    index = pd.Index(ids)
    return {
        name: split.append_column(HAS_TIES, pa.array(has_ties[index.get_indexer(split["id"])]))
        for name, split in splits.items()
    }
