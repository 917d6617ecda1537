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
    """Return the sketch of each whole prompt, a table of `SCHEMA`; null for one without a word.

    Args:
        batches: at least one, with the column `prompt`.

    Returns:
        A table with a row a battle, whose columns are one chunk each.
    """
    parts: list[list[pa.Array]] = [[] for _ in SCHEMA]
    for batch in batches:
        for part, column in zip(parts, _sketch(batch["prompt"]).columns, strict=True):
            part.append(column)
    # A column's chunks are freed before the next column is joined: sketches of a million prompts
    # take half a gigabyte.
    columns = []
    for part in parts:
        columns.append(pa.concat_arrays(part))
        part.clear()
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _sketch(conversations: pa.ListArray) -> pa.RecordBatch:
    texts = [split_words("\n".join(turns)) for turns in conversations.to_pylist()]
    with_words = [number for number, text in enumerate(texts) if text]
    sketches = _sketch_words([texts[number] for number in with_words])
    rows = np.full(len(texts), len(with_words))
    rows[with_words] = np.arange(len(with_words))
    return sketches.take(pa.array(rows, mask=rows == len(with_words)))


def _sketch_words(texts: list[bytes]) -> pa.RecordBatch:
    """Return the sketch of each text; each has a word."""
    hashes, counts = hash_shingles(texts)
    columns = [
        pa.array([_number(text) for text in texts], pa.uint64()),
        pa.FixedSizeListArray.from_arrays(_sign(hashes, counts).ravel(), SIGNATURE),
        _keep_smallest(hashes, counts),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


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


def _keep_smallest(hashes: np.ndarray, counts: np.ndarray) -> pa.LargeListArray:
    """Return the `SHINGLES_KEPT` smallest distinct hashes of each text, large_list<uint32> [n]."""
    texts = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    # Sorted by text, then by hash.
    distinct = sort_distinct(texts << np.uint64(32) | hashes)
    owners = (distinct >> np.uint64(32)).astype(np.int64)
    begins = np.searchsorted(owners, np.arange(len(counts)))
    kept = np.arange(len(distinct)) - begins[owners] < SHINGLES_KEPT
    sizes = np.bincount(owners[kept], minlength=len(counts))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return pa.LargeListArray.from_arrays(offsets, pa.array(distinct[kept].astype(np.uint32)))
