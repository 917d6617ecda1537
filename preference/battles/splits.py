"""Read the battles of one split, in the order of the split's file.

With several folds (`split.folds`), a file has the rows of every fold, and a column `fold` from 1.
"""

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
FOLD = "fold"
# A column of the splits' files, which they have where the source of some battle has no ties.
HAS_TIES = "has_ties"


def split_file(split: str) -> Path:
    """Return the path of the file with a split's battles and groups."""
    return SPLITS / f"{split}.parquet"


def read_folds(split: Path) -> list[int | None]:
    """Return the numbers of the folds in a split's file, or only None where there are none.

    Raises:
        BadInput: the file is missing.
    """
    members = read_members(split)
    return members[FOLD].unique().to_pylist() if FOLD in members.column_names else [None]


def fold_folder(folder: Path, fold: int | None) -> Path:
    """Return the folder of what a fold has for itself; for None, `folder` itself."""
    return folder if fold is None else folder / f"fold-{fold}"


def read_members(split: Path, fold: int | None = None) -> pa.Table:
    """Return the rows of a split's file, or those of one fold.

    Raises:
        BadInput: the file is missing, or does not have the fold.
    """
    check_exists(split, "split")
    members = pq.read_table(split)
    if fold is None:
        return members
    if FOLD not in members.column_names or fold not in members[FOLD].unique().to_pylist():
        raise BadInput(f"{split} has no fold {fold}. Run `dvc repro split`.")
    return members.filter(pc.field(FOLD) == fold)


def read_split_ids(split: str, fold: int | None = None) -> np.ndarray:
    """Return the ids of a split's battles, int64 [n], in the order of its file.

    Raises:
        BadInput: the file is missing, or does not have the fold.
    """
    return read_members(split_file(split), fold)["id"].to_numpy()


def read_split_battles(
    battles: Path,
    split: Path,
    columns: tuple[str, ...],
    fold: int | None = None,
    most: int | None = None,
) -> pa.Table:
    """Return the battles of a split, one row for each row of its file.

    Args:
        battles: the table of all battles.
        split: the file of the split.
        columns: columns of the table to read.
        fold: whose rows to read; None for all rows. A battle may be in calibration of several
            folds, and is in test of one.
        most: where the split has more battles, read this many, evenly spaced; None for all.

    Returns:
        `id`, the columns of the table, and the other columns of the split's file.

    Raises:
        BadInput: a file is missing, or the split has a battle twice, or one that is not in the
            table.
    """
    members = read_members(split, fold)
    keys = members.select([name for name in ("id", FOLD) if name in members.column_names])
    is_repeated = len(keys.group_by(keys.column_names).aggregate([])) < len(keys)
    if members["id"].null_count or members["group"].null_count or is_repeated:
        raise BadInput(f"{split} has a battle twice or without group. Run `dvc repro split`.")
    if most is not None and len(members) > most:
        members = members.take(np.linspace(0, len(members) - 1, most).astype(int))
    ids = members["id"]
    table = read_battles(battles, ("id", *columns), ids.to_numpy())
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
