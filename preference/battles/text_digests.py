"""Digests of texts, equal for texts that look the same to a reader."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles.visible_text import fold_text

DIGEST_BYTES = 16


def digest_texts(conversations: pa.ListArray) -> pa.Array:
    """Return 128-bit digests of folded texts, so that the texts need not be in memory.

    Args:
        conversations: lists of turns, list<string> [n].

    Returns:
        Digests, binary(16) [n].
    """
    digests = [
        blake2b(fold_text("\n".join(turns)), digest_size=DIGEST_BYTES).digest()
        for turns in conversations.to_pylist()
    ]
    return pa.array(digests, pa.binary(DIGEST_BYTES))


def digest_prompts(prompts: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """Return digests of whole prompts and of their first turns, binary(16) [n] each.

    `text.turns: first` reads nothing but the first turn, so that prompts which share it are alike.
    """
    return digest_texts(prompts), digest_texts(pc.list_slice(prompts, 0, 1))


def number_digests(digests: pa.ChunkedArray) -> np.ndarray:
    """Number the distinct digests [n] from 0, int64 [n]."""
    return digests.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
