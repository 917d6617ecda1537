"""Sketch texts, so that they can be compared without being kept in memory.

A sketch has a MinHash signature: each of its places agrees between two texts with a probability
equal to their Jaccard similarity. It also has the smallest hashes of the shingles of the text, from
which the similarity is computed: exactly where both texts have fewer than `SHINGLES_KEPT` shingles,
and otherwise with a standard error below 0.02.

Broder, On the resemblance and containment of documents, 1997 (smallest hashes); Broder, Charikar,
Frieze and Mitzenmacher, Min-wise independent permutations, 1998 (signatures).
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from preference.splitting.distinct import sort_distinct
from preference.splitting.growing_array import GrowingArray
from preference.splitting.shingles import hash_shingles, split_words

SIGNATURE = 64
SHINGLES_KEPT = 512
# Multiplication with an odd factor permutes the hashes, which are well mixed already.
_RANDOM = np.random.default_rng(1997)
FACTORS = _RANDOM.integers(2**31, size=SIGNATURE, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
SHIFTS = _RANDOM.integers(2**32, size=SIGNATURE, dtype=np.uint32)

SCHEMA = pa.schema(
    [
        # A hash of the words in their order.
        pa.field("words", pa.uint64()),
        pa.field("signature", pa.list_(pa.uint32(), SIGNATURE)),
        # Distinct, in ascending order.
        pa.field("shingles", pa.large_list(pa.uint32())),
    ]
)


def sketch_prompts(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Return the sketch of each whole prompt.

    Args:
        batches: with the column `prompt`.

    Returns:
        A table of `SCHEMA` with a row a battle, whose columns are one chunk each. Where a prompt
        has no word, `words` is null, and the rest means nothing.
    """
    # Those of a million prompts take half a gigabyte: joining chunks at the end would take a whole.
    words, signatures, sizes, shingles = map(
        GrowingArray, (np.uint64, np.uint32, np.int64, np.uint32)
    )
    for batch in batches:
        texts = [split_words("\n".join(turns)) for turns in batch["prompt"].to_pylist()]
        with_words = np.flatnonzero(texts)
        hashes, counts = hash_shingles([texts[row] for row in with_words])
        kept, kept_counts = _keep_smallest(hashes, counts)
        words.append(np.array([_number(text) if text else 0 for text in texts], np.uint64))
        signatures.append(_spread(_sign(hashes, counts), with_words, len(texts)))
        sizes.append(_spread(kept_counts, with_words, len(texts)))
        shingles.append(kept)
    offsets = np.concatenate([[0], np.cumsum(sizes.values)])
    columns = [
        pa.array(words.values, mask=sizes.values == 0),
        pa.FixedSizeListArray.from_arrays(pa.array(signatures.values), SIGNATURE),
        pa.LargeListArray.from_arrays(offsets, pa.array(shingles.values)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _spread(values: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows that are zero, but for `values` in `rows`."""
    spread = np.zeros((count, *values.shape[1:]), dtype=values.dtype)
    spread[rows] = values
    return spread


def _number(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _sign(hashes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the smallest hash of each text under each permutation, uint32 [n, SIGNATURE]."""
    begins = np.cumsum(counts) - counts
    signatures = np.empty((SIGNATURE, len(counts)), dtype=np.uint32)
    for place, (factor, shift) in enumerate(zip(FACTORS, SHIFTS, strict=True)):
        if len(counts):
            np.minimum.reduceat(hashes * factor + shift, begins, out=signatures[place])
    return signatures.T


def _keep_smallest(hashes: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the `SHINGLES_KEPT` smallest distinct hashes of each text, and how many it has.

    Returns:
        Hashes in ascending order, text after text, uint32 [kept], and counts, int64 [n].
    """
    texts = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    # Sorted by text, then by hash.
    distinct = sort_distinct(texts << np.uint64(32) | hashes)
    owners = (distinct >> np.uint64(32)).astype(np.int64)
    begins = np.searchsorted(owners, np.arange(len(counts)))
    kept = np.arange(len(distinct)) - begins[owners] < SHINGLES_KEPT
    return distinct[kept].astype(np.uint32), np.bincount(owners[kept], minlength=len(counts))
