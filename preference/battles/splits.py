"""Read the battles of one split, in the order of the split's file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from preference.battles.table import read_battles
from preference.runtime.errors import BadInput, check_exists

SPLITS = Path("data/split")
# Calibration is for fitting temperatures and the blend, and test for evaluation.
PREDICTED_SPLITS = ("calibration", "test")
# A column of the splits' files, which they have where the source of some battle has no ties.
HAS_TIES = "has_ties"


def split_file(split: str) -> Path:
    """Return the path of the file with a split's battles and groups."""
    return SPLITS / f"{split}.parquet"


def read_split_ids(split: str) -> np.ndarray:
    """Return the ids of a split's battles, int64 [n], in the order of its file.

    Raises:
        BadInput: the file is missing.
    """
    check_exists(split_file(split), "split")
    return pq.read_table(split_file(split), columns=["id"])["id"].to_numpy()


def read_split_battles(battles: Path, split: Path, columns: tuple[str, ...]) -> pa.Table:
    """Return the battles of a split, one row for each row of its file.

    Args:
        battles: the table of all battles.
        split: the file of the split.
        columns: columns of the table to read.

    Returns:
        `id`, the columns of the table, and the other columns of the split's file.

    Raises:
        BadInput: a file is missing, or the split has a battle twice, or one that is not in the
            table.
    """
    check_exists(split, "split")
    members = pq.read_table(split)
    ids = members["id"]
    if ids.null_count or members["group"].null_count or pc.count_distinct(ids).as_py() < len(ids):
        raise BadInput(f"{split} has a battle twice or without group. Run `dvc repro split`.")
    table = read_battles(battles, ("id", *columns))
    rows = pc.index_in(ids, value_set=table["id"])
    if rows.null_count:
        raise BadInput(
            f"{split}: {rows.null_count} of its ids are not in {battles}. Run `dvc repro split`."
        )
    chosen = table.take(rows)
    for name in members.column_names[1:]:
        chosen = chosen.append_column(name, members[name])
    return chosen


def read_has_ties(battles: pa.Table) -> np.ndarray:
    """Return whether the source of each battle of a split has ties, bool [n].

    Args:
        battles: as `read_split_battles` returns them.
    """
    if HAS_TIES not in battles.column_names:
        return np.ones(len(battles), dtype=bool)
    return battles[HAS_TIES].to_numpy()
