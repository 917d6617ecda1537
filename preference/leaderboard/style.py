"""The style of answers, counted as the Arena counts it for its style control.

Chiang et al., Does style matter? Disentangling style and substance in Chatbot Arena, 2024: length,
headers, bold text and items of lists, outside of blocks of code. The Arena counts tokens; these are
characters, so that no tokenizer is needed.
"""

import re
from collections.abc import Sequence

import numpy as np

STYLE = ("length", "headers", "bold", "lists")
CODE_BLOCK = re.compile("```[^`]*```")
HEADER = re.compile(r"^#{1,6}\s", re.MULTILINE)
BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
LIST_ITEM = re.compile(r"^\s*(?:\d+\.|[-*+])\s", re.MULTILINE)


def count_style(turns: Sequence[str]) -> tuple[int, ...]:
    """Return the counts of `STYLE` over all turns of an answer."""
    text = "\n".join(turns)
    prose = CODE_BLOCK.sub("", text)
    return (len(text), *(len(found.findall(prose)) for found in (HEADER, BOLD, LIST_ITEM)))


def style_differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return what distinguishes the styles of A and B: float64 [n, 4].

    Each difference is relative to the sum of both counts, 0 where both are 0, and in standard
    deviations over the battles. Unlike the Arena's, it is not centred, so that it changes its sign
    where the answers change places.

    Args:
        first: the counts of the answers A, int64 [n, 4].
        second: those of the answers B.
    """
    differences = (first - second) / np.maximum(first + second, 1)
    deviations = differences.std(axis=0)
    return differences / np.where(deviations > 0, deviations, 1)
