"""Hash the shingles of a text: its runs of five consecutive words.

A word is a run of letters, digits and accents of the folded text (`visible_text`), so that case and
punctuation do not count. In scripts without spaces between words, each character is a word. A text
of fewer than five words is one shingle; a text without a word has no shingle.

Broder, On the resemblance and containment of documents, 1997.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import regex

from preference.battles.visible_text import fold_text, join_words

WORDS_A_SHINGLE = 5
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
WORD = regex.compile(rf"{UNSPACED}\p{{M}}*|[[\w\p{{M}}]--{UNSPACED}]+", regex.VERSION1)
ASCII_WORDS = bytes(code if WORD.match(chr(code)) else ord(" ") for code in range(128)) + bytes(128)
# The odd constants of splitmix64: multiplication with them mixes the bits of a hash.
FACTOR, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def split_words(text: str) -> bytes:
    """Return the words of a text in UTF-8, separated by one space."""
    folded = fold_text(text)
    if folded.isascii():
        return join_words(folded.translate(ASCII_WORDS))
    return " ".join(WORD.findall(folded.decode())).encode()


def hash_shingles(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Hash the shingles of texts [n], in their order.

    Args:
        texts: for each text its words, at least one, separated by one space.

    Returns:
        The hashes, uint32 [shingles], and the number of shingles of each text, int64 [n].
    """
    words = pc.split_pattern(pa.array(texts, pa.string()), " ")
    lengths = pc.list_value_length(words).to_numpy().astype(np.int64)
    counts = np.maximum(lengths - WORDS_A_SHINGLE + 1, 1)
    # For each shingle the position of its first word among all words, and the end of its text.
    begins = np.cumsum(lengths) - lengths
    firsts = np.arange(counts.sum()) + np.repeat(begins - (np.cumsum(counts) - counts), counts)
    ends = np.repeat(begins + lengths, counts)
    hashes = _hash_words(words.flatten())
    shingles = np.zeros(len(firsts), dtype=np.uint64)
    for place in range(WORDS_A_SHINGLE):
        word = firsts + place
        present = hashes[np.minimum(word, len(hashes) - 1)] * (word < ends)
        shingles = shingles * FACTOR + present
    shingles = (shingles ^ (shingles >> np.uint64(32))) * MIX
    return (shingles >> np.uint64(32)).astype(np.uint32), counts


def _hash_words(words: pa.StringArray) -> np.ndarray:
    """Return hashes of the words, uint64 [n]; each distinct word is hashed once."""
    encoded = words.dictionary_encode()
    distinct = encoded.dictionary.to_numpy(zero_copy_only=False)
    return pd.util.hash_array(distinct, categorize=False)[encoded.indices.to_numpy()]
