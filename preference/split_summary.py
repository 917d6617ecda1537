"""Sizes and label shares of the splits, and a check that nothing leaks between them.

The check compares the texts themselves and not the groups, so that it does not share their faults.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles import label_shares

BATCH_ROWS = 4096


def summarize_splits(splits: Mapping[str, pa.Table], battles: pa.Table) -> dict[str, object]:
    """Describe each split, and count what more than one of them holds, which should be nothing.

    Args:
        splits: for each split a table of `id` and `group`.
        battles: columns `id`, `label`, `prompt`, `response_a` and `response_b`.
    """
    assigned = pd.concat(
        [split.to_pandas().assign(split=name) for name, split in splits.items()]
    ).set_index("id")
    rows = assigned.loc[battles["id"].to_numpy()].assign(label=battles["label"].to_numpy())
    answers = np.stack([_hash_texts(battles[side]) for side in ("response_a", "response_b")])
    return {
        **{name: _summarize_split(rows[rows["split"] == name]) for name in splits},
        "shared_groups": _count_shared(rows["split"], rows["group"]),
        "shared_prompts": _count_shared(rows["split"], _hash_texts(battles["prompt"])),
        "shared_answers": _count_shared(rows["split"], answers.min(axis=0), answers.max(axis=0)),
    }


def _summarize_split(rows: pd.DataFrame) -> dict[str, object]:
    return {
        "rows": len(rows),
        "groups": rows["group"].nunique(),
        "label_shares": label_shares(rows["label"].to_numpy()),
    }


def _hash_texts(conversations: pa.ChunkedArray) -> np.ndarray:
    """Return 64-bit hashes of the texts, uint64 [n], in batches because the texts are large.

    Only ASCII case and white space are folded, which is less than the grouping folds: two texts
    that are equal here must be in one group.
    """
    hashes = []
    for batch in pa.table({"turns": conversations}).to_batches(max_chunksize=BATCH_ROWS):
        texts = pc.ascii_lower(pc.binary_join(batch["turns"], " "))
        texts = pc.ascii_trim_whitespace(pc.replace_substring_regex(texts, r"\s+", " "))
        hashes.append(pd.util.hash_array(texts.to_numpy(zero_copy_only=False), categorize=False))
    return np.concatenate(hashes)


def _count_shared(splits: pd.Series, *keys: np.ndarray) -> int:
    """Count the distinct keys that occur in more than one split."""
    columns = [np.asarray(key) for key in keys]
    return int((splits.groupby(columns).nunique() > 1).sum())
