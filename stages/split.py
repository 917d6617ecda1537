"""Split the battles without dividing a group; battles of extra sources are only in train.

    python -m stages.split

Reads data/battles.parquet; writes data/split/*.parquet (id, group, near_duplicate and, where a
source has no ties, has_ties) and metrics/split.json. Where `split.folds` is more than 1, each file
has the rows of every fold, and a column `fold`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.battles.soft_labels import label_columns, read_labels
from preference.battles.table import BATTLES, FIELDS, read_battles, scan_battles
from preference.config.params import Params, load_params
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.metrics_file import write_metrics
from preference.runtime.stage_lock import running_alone
from preference.splitting.extra_battles import add_extra_battles, count_extra_battles, mark_extra
from preference.splitting.folds import join_folds, split_into_folds
from preference.splitting.leak_check import summarize_folds
from preference.splitting.leakage_groups import digest_battles, group_battles
from preference.splitting.near_duplicate_marks import mark_near_duplicates
from preference.splitting.near_duplicates import find_near_duplicates
from preference.splitting.stratified import split_by_group, write_splits
from preference.splitting.text_sketches import sketch_prompts
from preference.splitting.tie_marks import find_has_ties, mark_has_ties

FOLDER = Path("data/split")
METRICS = Path("metrics/split.json")


def main() -> None:
    """Write the ids of each split, and metrics of leakage between the splits."""
    params = load_params()
    battles = read_battles(BATTLES, ["id", "source", *label_columns(BATTLES)])
    folds = make_folds(battles, params)
    write_splits(folds[0] if len(folds) == 1 else join_folds(folds), FOLDER)
    batches = scan_battles(BATTLES, ["id", "label", *FIELDS], "check")
    summary = summarize_folds(folds, batches)
    print(describe_splits(folds))
    # The same extra battles are in train of every fold.
    summary["extra"] = count_extra_battles(
        folds[0]["train"], battles["id"].to_numpy(), battles["source"], params.data.extra
    )
    write_metrics(summary, METRICS)


def describe_splits(folds: Sequence[Mapping[str, pa.Table]]) -> str:
    """Return a line with the size of each split, by name, of the first fold."""
    sizes = ", ".join(
        f"{name} {len(split):,} battles in {len(split['group'].unique()):,} groups"
        for name, split in folds[0].items()
    )
    return f"the first of {len(folds)} folds: {sizes}" if len(folds) > 1 else sizes


def make_folds(battles: pa.Table, params: Params) -> list[dict[str, pa.Table]]:
    """Return each fold's table of each split, from battles with `id`, `source` and labels."""
    sketches: pa.Table | None = sketch_prompts(scan_battles(BATTLES, ["prompt"], "near duplicates"))
    near_duplicates = find_near_duplicates(sketches)
    if params.split.near_duplicates == "count":
        # Those of a million prompts take half a gigabyte, which the grouping does not need.
        sketches = None
    digests = digest_battles(scan_battles(BATTLES, ["id", *FIELDS], "group"))
    ids = battles["id"].to_numpy()
    is_extra = mark_extra(battles["source"], params.data.extra)
    arguments = (
        ids[~is_extra],
        find_groups(digests, sketches, ~is_extra),
        battles["label"].to_numpy()[~is_extra],
        params.split.fractions(),
    )
    if params.split.folds > 1:
        folds = split_into_folds(*arguments, params.split.folds, params.seed)
    else:
        folds = [split_by_group(*arguments, params.seed)]
    if is_extra.any():
        groups = find_groups(digests, sketches, np.ones(len(ids), dtype=bool))
        folds = [add_extra_battles(splits, ids, groups, is_extra) for splits in folds]
    has_ties = find_has_ties(battles["source"], read_labels(battles))
    return [
        mark_has_ties(mark_near_duplicates(splits, ids, near_duplicates), ids, has_ties)
        for splits in folds
    ]


def find_groups(digests: pa.Table, sketches: pa.Table | None, rows: np.ndarray) -> np.ndarray:
    """Return the groups of the battles in `rows`, bool [n], as if there were no others.

    Near duplicates are in one group where there are `sketches`.
    """
    near = []
    if sketches is not None:
        asked = sketches if rows.all() else sketches.filter(rows)
        near.append(find_near_duplicates(asked).clusters())
    return group_battles(digests.filter(rows), near)


if __name__ == "__main__":
    with exit_on_bad_input(), running_alone("split"):
        main()
