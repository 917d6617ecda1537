"""Sizes and label shares of the splits, and a check that nothing leaks between them.

The check compares the texts themselves and not the groups, so that it does not share their faults.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles import label_shares


def summarize_splits(
    splits: Mapping[str, pa.Table], batches: Iterable[pa.RecordBatch]
) -> dict[str, object]:
    """Describe each split, and count what more than one of them holds, which should be nothing.

    Args:
        splits: for each split a table of `id` and `group`.
        batches: at least one, with columns `id`, `label`, `prompt`, `response_a`, `response_b`.
            Battles that are in no split are not looked at.
    """
    assigned = pd.concat(
        [split.to_pandas().assign(split=name) for name, split in splits.items()]
    ).set_index("id")
    rows = pd.concat(map(_hash_battles, batches)).join(assigned, on="id", how="inner")
    return {
        **{name: _summarize_split(rows[rows["split"] == name]) for name in splits},
        "shared_groups": _count_shared(rows, "group"),
        "shared_prompts": _count_shared(rows, "prompt"),
        "shared_answers": _count_shared(rows, "first_answer", "second_answer"),
    }


def _summarize_split(rows: pd.DataFrame) -> dict[str, object]:
    return {
        "rows": len(rows),
        "groups": rows["group"].nunique(),
        "label_shares": label_shares(rows["label"].to_numpy()),
    }


def _hash_battles(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return id, label and the hashes of the texts; of two answers the smaller hash is first."""
    answers = np.stack([_hash_texts(batch[side]) for side in ("response_a", "response_b")])
    columns = {
        "id": batch["id"].to_numpy(),
        "label": batch["label"].to_numpy(),
        "prompt": _hash_texts(batch["prompt"]),
        "first_answer": answers.min(axis=0),
        "second_answer": answers.max(axis=0),
    }
    return pd.DataFrame(columns)


def _hash_texts(conversations: pa.ListArray) -> np.ndarray:
    """Return 64-bit hashes of the texts, uint64 [n].

    Only ASCII case and white space are folded, which is less than the grouping folds: two texts
    that are equal here must be in one group.
    """
    texts = pc.ascii_lower(pc.binary_join(conversations, " "))
    texts = pc.ascii_trim_whitespace(pc.replace_substring_regex(texts, r"\s+", " "))
    return pd.util.hash_array(texts.to_numpy(zero_copy_only=False), categorize=False)


def _count_shared(rows: pd.DataFrame, *keys: str) -> int:
    """Count the distinct keys that occur in more than one split."""
    return int((rows.groupby(list(keys))["split"].nunique() > 1).sum())
