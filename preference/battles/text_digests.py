"""Digests that stand for texts, and are the same for texts that a reader takes for the same."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa

from preference.battles.visible_text import fold_text

DIGEST_BYTES = 16


def digest_texts(conversations: pa.ListArray) -> pa.Array:
    """Return digests of the folded texts of conversations list<string> [n], binary(16) [n].

    Their 128 bits stand for the texts, so that those need not be held in memory.
    """
    digests = [
        blake2b(fold_text("\n".join(turns)), digest_size=DIGEST_BYTES).digest()
        for turns in conversations.to_pylist()
    ]
    return pa.array(digests, pa.binary(DIGEST_BYTES))


def number_digests(digests: pa.ChunkedArray) -> np.ndarray:
    """Number the distinct digests [n] from 0, int64 [n]."""
    return digests.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
