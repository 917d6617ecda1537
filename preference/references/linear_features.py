"""Features of an answer: its length, its formatting and its words.

References use the features of answer A minus those of answer B, and do not read the prompt. Counts
become log(1 + count), so that ten more bullets matter less in a long list than in a short one.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sklearn.feature_extraction.text import TfidfVectorizer

FORMAT = {
    "code fence": r"```",
    "bullet": r"^\s*[-*•] ",
    "numbered item": r"^\s*\d+[.)] ",
    "bold": r"\*\*",
    "heading": r"^#+ ",
    "newline": r"\n",
    "digit": r"\d",
    "question mark": r"\?",
    "exclamation mark": r"!",
    "refusal": r"(?i)\b(?:sorry|apologi[sz]e|i can(?:no|')t|i(?: a|')m unable|as an ai)\b",
    "empty": r"\A\s*\Z",
}
PATTERNS = [re.compile(pattern, re.MULTILINE) for pattern in FORMAT.values()]

# The n-gram lengths of each analyzer. On 1,000 real rows, word pairs did not lower the log loss,
# and character n-grams of 3 to 5 took three times as long.
ANALYZERS = {"word": (1, 1), "char_wb": (3, 3)}


def answer_texts(responses: pa.ChunkedArray) -> list[str]:
    """Join the turns of each response of a battles column with newlines."""
    return ["\n".join(turns) for turns in responses.to_pylist()]


def length_features(texts: Sequence[str]) -> np.ndarray:
    """Return float64 [n, 2]: log(1 + characters) and log(1 + words)."""
    return np.log1p(np.array([[len(text), len(text.split())] for text in texts]))


def format_features(texts: Sequence[str]) -> np.ndarray:
    """Return float64 [n, len(FORMAT)]: log(1 + occurrences) of each pattern."""
    return np.log1p(
        np.array([[len(pattern.findall(text)) for pattern in PATTERNS] for text in texts])
    )


def tfidf_vectorizer(analyzer: str, max_features: int | None = None) -> TfidfVectorizer:
    """Return an unfitted vectorizer of words or of character trigrams within words."""
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ANALYZERS[analyzer],
        max_features=max_features,
        sublinear_tf=True,
    )
