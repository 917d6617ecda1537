"""Summarize the splits, and check that nothing leaks between them.

The check compares texts instead of groups, so that it does not repeat an error of the grouping.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from preference.battles.splits import HAS_TIES
from preference.battles.table import label_shares
from preference.splitting.stratified import TRAIN
from preference.splitting.text_hashes import hash_texts

SHARED = ("shared_groups", "shared_prompts", "shared_answers")


def summarize_folds(
    folds: Sequence[Mapping[str, pa.Table]], batches: Iterable[pa.RecordBatch]
) -> dict[str, Any]:
    """Describe each split, and count what is in more than one of them.

    Args:
        folds: of each fold the table of each split, with `id`, `group`, `near_duplicate` and
            perhaps `has_ties`.
        batches: at least one, with columns `id`, `label`, `prompt`, `response_a`, `response_b`.
            Battles that are in no split are ignored.

    Returns:
        The summary of the only fold, or under `folds` that of each, with the sums of what splits
        share.
    """
    battles = pd.concat(map(_hash_battles, batches))
    summaries = [_summarize_splits(splits, battles) for splits in folds]
    if len(summaries) == 1:
        return summaries[0]
    shared = {name: sum(summary[name] for summary in summaries) for name in SHARED}
    return {"folds": summaries, **shared}


def _summarize_splits(splits: Mapping[str, pa.Table], battles: pd.DataFrame) -> dict[str, Any]:
    assigned = pd.concat(
        [split.to_pandas().assign(split=name) for name, split in splits.items()]
    ).set_index("id")
    rows = battles.join(assigned, on="id", how="inner")
    return {
        **{name: _summarize_split(name, rows[rows["split"] == name]) for name in splits},
        "shared_groups": _count_shared(rows, "group"),
        "shared_prompts": _count_shared(rows, "prompt"),
        "shared_answers": _count_shared(rows, "first_answer", "second_answer"),
    }


def _summarize_split(name: str, rows: pd.DataFrame) -> dict[str, object]:
    summary = {
        "rows": len(rows),
        "groups": rows["group"].nunique(),
        "label_shares": label_shares(rows["label"].to_numpy()),
    }
    if name != TRAIN:
        summary["near_duplicates"] = int(rows["near_duplicate"].sum())
        summary["near_duplicate_rate"] = float(rows["near_duplicate"].mean())
    if HAS_TIES in rows:
        summary["rows_without_ties"] = int((~rows[HAS_TIES]).sum())
    return summary


def _hash_battles(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return id, label and hashes of the texts; the smaller hash of the two answers is first."""
    answers = np.stack([hash_texts(batch[side]) for side in ("response_a", "response_b")])
    columns = {
        "id": batch["id"].to_numpy(),
        "label": batch["label"].to_numpy(),
        "prompt": hash_texts(batch["prompt"]),
        "first_answer": answers.min(axis=0),
        "second_answer": answers.max(axis=0),
    }
    return pd.DataFrame(columns)


def _count_shared(rows: pd.DataFrame, *keys: str) -> int:
    """Count the distinct keys that occur in more than one split."""
    return int((rows.groupby(list(keys))["split"].nunique() > 1).sum())
