"""Deal battles to folds for cross-fitting: each battle is in test once.

Guarantees
1. Every battle is in test of exactly one fold, and all battles of a group in that of the same fold.
2. Within a fold, the four splits are as `stratified` makes them: a partition of the battles that
   divides no group, in which each label is divided in the same proportions.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from preference.battles.splits import FOLD
from preference.splitting.stratified import check_labels, check_source, deal_battles, to_table

TEST = "test"
REMEDY = "or lower split.folds"


def split_into_folds(
    ids: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray,
    fractions: Mapping[str, float],
    folds: int,
    seed: int,
) -> list[dict[str, pa.Table]]:
    """Return the splits of each fold, as `split_by_group` returns them.

    Args:
        ids: unique ids, int64 [n].
        groups: the group of each battle, int64 [n].
        labels: the index of each battle's label in `LABELS`, [n].
        fractions: the fraction of each split. That of test does not count, and the others are
            fractions of the battles that are not in test of the fold.
        folds: their number.
        seed: chooses among divisions that are equally good.

    Raises:
        BadInput: there are fewer groups than folds, or a split of a fold has no battle with one of
            the labels.
    """
    battles = pd.DataFrame({"id": ids, "group": groups, "label": labels}).sort_values("id")
    check_source(battles, folds, "folds", f", {REMEDY}")
    needed = np.unique(labels)
    tested = deal_battles(battles, [1 / folds] * folds, seed)
    for number, rows in enumerate(tested, start=1):
        check_labels(f"fold {number} of {folds}", rows["label"], needed, REMEDY)
    return [
        _split_fold(battles, rows, fractions, needed, f"fold {number} of {folds}", seed)
        for number, rows in enumerate(tested, start=1)
    ]


def join_folds(folds: Sequence[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Return each split with the rows of all folds, one after the other, and a column `fold`."""
    return {
        name: pa.concat_tables(
            [
                splits[name].append_column(FOLD, pa.array(np.full(len(splits[name]), number)))
                for number, splits in enumerate(folds, start=1)
            ]
        )
        for name in folds[0]
    }


def _split_fold(
    battles: pd.DataFrame,
    test: pd.DataFrame,
    fractions: Mapping[str, float],
    needed: np.ndarray,
    fold: str,
    seed: int,
) -> dict[str, pa.Table]:
    rest = battles.drop(test.index)
    others = {name: fraction for name, fraction in fractions.items() if name != TEST}
    total = sum(others.values())
    parts = deal_battles(rest, [fraction / total for fraction in others.values()], seed)
    named = {**dict(zip(others, parts, strict=True)), TEST: test}
    for name, rows in named.items():
        remedy = f"raise split.{name} {REMEDY}"
        check_labels(f"the {name} split of {fold}", rows["label"], needed, remedy)
    return {name: to_table(named[name]) for name in fractions}
