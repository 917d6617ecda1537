"""Group battles that must not be divided between splits.

Guarantees
1. Battles with the same prompt, or whose conversations begin with the same one, or with the same
   two answers in either order, are in one group; so are battles that such links join over others.
2. A group's number is the smallest battle id in it, whatever the order of the rows.

Texts are compared as a reader sees them (`visible_text`), the answers over the whole conversation.
Conversations that begin alike are one group because `text.turns: first` reads no further. Empty
answers are no exception: battles whose answers are both empty form one group, because leaking a
handful of them would break the first guarantee, and the group is small (19 of the 57,477 real
battles).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preference.battles.table import SEGMENTS
from preference.battles.text_digests import digest_texts, number_digests


def digest_battles(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Return `id` and what the grouping compares of each battle, so that no text need be held.

    Args:
        batches: at least one, with columns `id`, `prompt`, `response_a` and `response_b`.
    """
    return pa.Table.from_batches(map(_digest_batch, batches))


def group_battles(digests: pa.Table, further: Sequence[np.ndarray] = ()) -> np.ndarray:
    """Return the group number of each battle, int64 [n].

    Args:
        digests: what `digest_battles` returns.
        further: kinds of links beside those of the first guarantee, int64 [n] each, at least 0 and
            below n. Battles with the same number are in one group.
    """
    answers = number_digests(
        pa.chunked_array([*digests["response_a"].chunks, *digests["response_b"].chunks])
    ).reshape(2, len(digests))
    pairs = _number_pairs(answers.min(axis=0), answers.max(axis=0))
    prompts, openings = number_digests(digests["prompt"]), number_digests(digests["opening"])
    components = _connect(prompts, openings, pairs, *further)
    ids = digests["id"].to_numpy()
    return pd.Series(ids).groupby(components).transform("min").to_numpy()


def _digest_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    opening = digest_texts(pc.list_slice(batch["prompt"], 0, 1))
    digests = {segment: digest_texts(batch[segment]) for segment in SEGMENTS}
    return pa.RecordBatch.from_pydict({"id": batch["id"], "opening": opening, **digests})


def _number_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return pd.DataFrame({"first": first, "second": second}).groupby(["first", "second"]).ngroup()


def _connect(*links: np.ndarray) -> np.ndarray:
    """Return the component of each battle, where equal numbers in any of `links` [n] join them."""
    count, kinds = len(links[0]), len(links)
    battles = np.tile(np.arange(count), kinds)
    # A node for each battle, then one for each number of each kind of link; all are below count.
    nodes = np.concatenate([link + (1 + kind) * count for kind, link in enumerate(links)])
    size = (1 + kinds) * count
    graph = coo_array((np.ones(kinds * count, dtype=bool), (battles, nodes)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:count]
