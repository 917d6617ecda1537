"""Split battles into train, valid, calibration and test without dividing a group.

Guarantees
1. Every battle is in one split, and all battles of a group are in the same one.
2. The same battles and seed give the same split, whatever the order of the rows.
3. Each label is divided in the same proportions, as exactly as the sizes of the groups permit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from preference.battles.table import A_WINS, B_WINS, LABELS
from preference.runtime.atomic_write import writing_folder
from preference.runtime.errors import BadInput

TRAIN = "train"


def split_by_group(
    ids: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray,
    fractions: Mapping[str, float],
    seed: int,
) -> dict[str, pa.Table]:
    """Return for each split a table of `id` and `group`, both int64, sorted by id.

    Args:
        ids: unique ids, int64 [n].
        groups: the group of each battle, int64 [n].
        labels: the index of each battle's label in `LABELS`, [n].
        fractions: the fraction of the battles for each split; they sum to one.
        seed: chooses among splits that are equally good.

    Raises:
        BadInput: a split would have no battle, or none with one of the labels. Ties may be missing
            from all of the battles.
    """
    label_counts = pd.crosstab(groups, labels).reindex(columns=range(len(LABELS)), fill_value=0)
    _check_source(label_counts, splits=len(fractions))
    targets = np.outer(list(fractions.values()), label_counts.sum())
    order = _dealing_order(label_counts.sum(axis=1).to_numpy(), seed)
    chosen = np.empty(len(label_counts), dtype=np.int64)
    chosen[order] = _deal_groups(label_counts.to_numpy()[order].tolist(), targets.tolist())
    battles = pd.DataFrame({"id": ids, "group": groups, "label": labels}).sort_values("id")
    split_of_battle = chosen[label_counts.index.get_indexer(battles["group"])]
    splits = {name: battles[split_of_battle == number] for number, name in enumerate(fractions)}
    needed = [number for number in label_counts if label_counts[number].any()]
    for name, rows in splits.items():
        _check_labels(name, rows["label"], needed)
    return {
        name: pa.table({"id": rows["id"].to_numpy(), "group": rows["group"].to_numpy()})
        for name, rows in splits.items()
    }


def write_splits(splits: Mapping[str, pa.Table], folder: Path) -> None:
    """Write each split as `<folder>/<name>.parquet`."""
    with writing_folder(folder) as partial:
        for name, split in splits.items():
            pq.write_table(split, partial / f"{name}.parquet")


def _dealing_order(sizes: np.ndarray, seed: int) -> np.ndarray:
    """Order groups from large to small, so that small ones even the sizes out; ties at random."""
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    return shuffled[np.argsort(-sizes[shuffled], kind="stable")]


def _deal_groups(label_counts: list[list[int]], targets: list[list[float]]) -> list[int]:
    """Assign each group to the split in which the fullest of its labels is filled least.

    Args:
        label_counts: the number of battles with each label, [groups][labels].
        targets: the number of battles with each label that a split should get, [splits][labels].

    Returns:
        The number of the split of each group.
    """
    dealt = [[0] * len(LABELS) for _ in targets]
    chosen = []
    for counts in label_counts:
        present = [(label, count) for label, count in enumerate(counts) if count]
        filled = [
            max((have[label] + count) / target[label] for label, count in present)
            for have, target in zip(dealt, targets, strict=True)
        ]
        split = filled.index(min(filled))
        chosen.append(split)
        for label, count in present:
            dealt[split][label] += count
    return chosen


def _check_source(label_counts: pd.DataFrame, splits: int) -> None:
    """Raise an error where no sizes of the splits could help.

    Args:
        label_counts: the number of battles with each label, one row for each group.
        splits: the number of splits.
    """
    battles = int(label_counts.to_numpy().sum())
    missing = [LABELS[number] for number in (A_WINS, B_WINS) if not label_counts[number].any()]
    if missing:
        raise BadInput(
            f"none of the {battles:,} battles has label {' or '.join(missing)}, and every split "
            f"needs both of A and B. Add battles with that label to data.source."
        )
    if len(label_counts) < splits:
        raise BadInput(
            f"the {battles:,} battles share prompts or answers, so that they are only "
            f"{len(label_counts)} group{'s' if len(label_counts) > 1 else ''}, and no group is "
            f"divided between the {splits} splits. Use battles of more prompts."
        )


def _check_labels(name: str, labels: pd.Series, needed: Sequence[int]) -> None:
    missing = [LABELS[number] for number in needed if number not in set(labels)]
    if missing:
        raise BadInput(
            f"the {name} split has {len(labels):,} battle{'' if len(labels) == 1 else 's'}, none "
            f"with label {' or '.join(missing)}, and every split needs all of "
            f"{', '.join(LABELS[number] for number in needed)}. "
            f"Use more battles, with more of that label, raise split.{name} or, where it is "
            "`group`, let split.near_duplicates be `count`."
        )
