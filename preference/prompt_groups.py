"""Group battles that must not be divided between splits.

Guarantees
1. Battles with the same prompt, or whose conversations begin with the same one, or with the same
   two answers in either order, are in one group; so are battles that such links join over others.
2. A group's number is the smallest battle id in it, whatever the order of the rows.

Texts are compared normalised, the answers over the whole conversation. Conversations that begin
alike are one group because `text.turns: first` reads no further. Empty answers are no
exception: battles whose answers are both empty form one group, because leaking a handful of them
would break the first guarantee, and the group is small (19 of the 57,477 real battles).
"""

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BATCH_ROWS = 4096


def group_battles(battles: pa.Table) -> np.ndarray:
    """Return the group number of each battle, int64 [n].

    Args:
        battles: columns `id`, `prompt`, `response_a` and `response_b`.
    """
    count = len(battles)
    answers = number_texts(
        pa.chunked_array([*battles["response_a"].chunks, *battles["response_b"].chunks])
    ).reshape(2, count)
    pairs = _number_pairs(answers.min(axis=0), answers.max(axis=0))
    first_turns = pc.list_slice(battles["prompt"], 0, 1)
    components = _connect(number_texts(battles["prompt"]), number_texts(first_turns), pairs)
    ids = battles["id"].to_numpy()
    return pd.Series(ids).groupby(components).transform("min").to_numpy()


def number_texts(conversations: pa.ChunkedArray) -> np.ndarray:
    """Number the distinct normalised texts of conversations list<string> [n] from 0, int64 [n].

    Texts are told apart by 128-bit digests, so that they need not be held in memory.
    """
    digests = [
        blake2b(_normalize(turns).encode(), digest_size=16).digest()
        for chunk in conversations.chunks
        for start in range(0, len(chunk), BATCH_ROWS)
        for turns in chunk[start : start + BATCH_ROWS].to_pylist()
    ]
    return pd.factorize(np.array(digests, dtype=object))[0]


def _normalize(turns: Iterable[str]) -> str:
    """Join the turns; fold compatibility characters, case and white space."""
    return " ".join(unicodedata.normalize("NFKC", "\n".join(turns)).casefold().split())


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
