"""Split battles into train, valid, calibration and test without dividing a group.

Guarantees
1. Every battle is in one split, and all battles of a group are in the same one.
2. The same battles and seed give the same split, whatever the order of the rows.
3. Each label is divided in the same proportions, as exactly as the sizes of the groups permit.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    battles = pd.DataFrame({"id": ids, "group": groups, "label": labels}).sort_values("id")
    check_source(battles, len(fractions), "splits")
    dealt = deal_battles(battles, list(fractions.values()), seed)
    needed = np.unique(labels)
    for name, rows in zip(fractions, dealt, strict=True):
        check_labels(
            f"the {name} split",
            rows["label"],
            needed,
            f"raise split.{name} or, where it is `group`, let split.near_duplicates be `count`",
        )
    return {name: to_table(rows) for name, rows in zip(fractions, dealt, strict=True)}


def deal_battles(
    battles: pd.DataFrame, fractions: Sequence[float], seed: int
) -> list[pd.DataFrame]:
    """Divide battles with `group` and `label` into parts of these fractions, in their order."""
    label_counts = _count_labels(battles)
    targets = np.outer(fractions, label_counts.sum())
    order = _dealing_order(label_counts.sum(axis=1).to_numpy(), seed)
    chosen = np.empty(len(label_counts), dtype=np.int64)
    chosen[order] = _deal_groups(label_counts.to_numpy()[order].tolist(), targets.tolist())
    part_of_battle = chosen[label_counts.index.get_indexer(battles["group"])]
    return [battles[part_of_battle == number] for number in range(len(fractions))]


def to_table(battles: pd.DataFrame) -> pa.Table:
    """Return the table of a split: `id` and `group`."""
    return pa.table({name: battles[name].to_numpy() for name in ("id", "group")})


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


def check_source(battles: pd.DataFrame, parts: int, name: str, remedy: str = "") -> None:
    """Raise an error where no sizes of the parts could help.

    Args:
        battles: with `group` and `label`.
        parts: the number of parts.
        name: what the parts are.
        remedy: for too few groups, beyond more battles.
    """
    label_counts, count = _count_labels(battles), len(battles)
    missing = [LABELS[number] for number in (A_WINS, B_WINS) if not label_counts[number].any()]
    if missing:
        raise BadInput(
            f"none of the {count:,} battles has label {' or '.join(missing)}, and every split "
            f"needs both of A and B. Add battles with that label to data.source."
        )
    if len(label_counts) < parts:
        raise BadInput(
            f"the {count:,} battles share prompts or answers, so that they are only "
            f"{len(label_counts)} group{'s' if len(label_counts) > 1 else ''}, and no group is "
            f"divided between the {parts} {name}. Use battles of more prompts{remedy}."
        )


def check_labels(part: str, labels: pd.Series, needed: Iterable[int], remedy: str) -> None:
    """Raise an error where a part has none of the battles with one of the labels `needed`."""
    missing = [LABELS[number] for number in needed if number not in set(labels)]
    if missing:
        raise BadInput(
            f"{part} has {len(labels):,} battle{'' if len(labels) == 1 else 's'}, none "
            f"with label {' or '.join(missing)}, and every split needs all of "
            f"{', '.join(LABELS[number] for number in needed)}. "
            f"Use more battles, with more of that label, {remedy}."
        )


def _count_labels(battles: pd.DataFrame) -> pd.DataFrame:
    """Count the battles with each label, one row for each group."""
    groups, members = np.unique(battles["group"], return_inverse=True)
    counts = np.zeros((len(groups), len(LABELS)), dtype=np.int64)
    np.add.at(counts, (members, battles["label"]), 1)
    return pd.DataFrame(counts, index=groups)
