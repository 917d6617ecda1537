"""Hash texts for the check of the splits, independently of `text_digests`.

Nothing is shared with the code that groups the battles, so that an error there is not repeated
here. This module uses Arrow's kernels (utf8proc and RE2, with Unicode tables of their own), a list
of invisible characters and 64 bits, where the other uses `unicodedata`, `regex`, a Unicode property
and 128 bits.

Guarantee: texts with equal hashes must be in one group, because everything that is folded here is
folded there too; a test compares every character. The grouping folds a little more (ß is ss, U+2800
is a space). With characters that are newer than Python's Unicode tables, the check can report a
leak that is not one.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# Control characters except white space, format characters, and the other characters that are
# Default_Ignorable_Code_Point in DerivedCoreProperties.txt of Unicode 17.0.
INVISIBLE = (
    r"[\x00-\x08\x0E-\x1B\x7F-\x84\x86-\x9F\p{Cf}"
    r"\x{34F}\x{115F}-\x{1160}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{2060}-\x{206F}\x{3164}"
    r"\x{FE00}-\x{FE0F}\x{FFA0}\x{FFF0}-\x{FFF8}\x{E0000}-\x{E0FFF}]+"
)
# White space that normalisation does not turn into a space.
WHITE_SPACE = r"[\t-\r\x1C-\x1F\x{85}\x{1680}\x{2028}\x{2029}]"


def hash_texts(conversations: pa.ListArray) -> np.ndarray:
    """Return 64-bit hashes of the folded texts of conversations list<string> [n], uint64 [n]."""
    texts = pc.replace_substring_regex(pc.binary_join(conversations, " "), INVISIBLE, "")
    texts = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKD"))
    texts = pc.replace_substring_regex(texts, WHITE_SPACE, " ")
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, " {2,}", " "))
    return pd.util.hash_array(texts.to_numpy(zero_copy_only=False), categorize=False)
