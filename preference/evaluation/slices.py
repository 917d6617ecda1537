"""Slices: parts of the test battles that a model may find easier or harder.

Lengths are in characters, over all turns.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from preference.battles.table import LABELS
from preference.evaluation.inputs import KEPT_COLUMNS

# A battle is in another script where more than this fraction of its letters is not Latin.
NON_LATIN_FRACTION = 0.3
# An answer is longer where the lengths differ by more than this fraction of their sum.
LENGTH_MARGIN = 0.1
# The most values of a column of the source that have slices.
MOST_VALUES = 20
CODE_FENCE = "```"
# The last letter of the Unicode blocks that begin with Basic Latin, and a later block.
LAST_LATIN = "\u024f"
ADDITIONAL_LATIN = ("\u1e00", "\u1eff")


@dataclass(frozen=True)
class Slice:
    """One part of a division of the battles, which is named `slice`: `members` is bool [n]."""

    slice: str
    part: str
    members: np.ndarray


def slice_battles(
    battles: pa.Table, labels: np.ndarray, truncated: Mapping[str, np.ndarray]
) -> list[Slice]:
    """Divide the battles in several ways; parts without battles are left out.

    Args:
        battles: `prompt`, `response_a` and `response_b`, list<string> [n]; perhaps `KEPT_COLUMNS`.
        labels: int [n].
        truncated: which battles have a truncated side, bool [n], by the name of the truncation.
    """
    texts = {name: _join_turns(battles[name]) for name in ("prompt", "response_a", "response_b")}
    turns = np.array([len(prompt) for prompt in battles["prompt"].to_pylist()])
    whole = ["\n".join(parts) for parts in zip(*texts.values(), strict=True)]
    divisions = [
        _two_parts("turns", "one", "several", turns > 1),
        *[_two_parts(name, "no", "yes", members) for name, members in truncated.items()],
        _by_length(texts["response_a"], texts["response_b"]),
        _by_length_difference(texts["response_a"], texts["response_b"]),
        _divide("label", np.array(LABELS)[labels], LABELS),
        _two_parts("answers", "different", "identical", _has_identical_answers(battles)),
        _two_parts("script", "Latin", "other", np.array([_is_non_latin(text) for text in whole])),
        _two_parts("code", "no", "yes", np.array([CODE_FENCE in text for text in whole])),
        *[_by_value(name, battles[name]) for name in KEPT_COLUMNS if name in battles.column_names],
    ]
    return [part for parts in divisions for part in parts if part.members.any()]


def _join_turns(conversations: pa.ChunkedArray) -> list[str]:
    return ["\n".join(turns) for turns in conversations.to_pylist()]


def _has_identical_answers(battles: pa.Table) -> np.ndarray:
    pairs = zip(battles["response_a"].to_pylist(), battles["response_b"].to_pylist(), strict=True)
    return np.array([first == second for first, second in pairs])


def _divide(name: str, parts: np.ndarray, order: tuple[str, ...]) -> Iterator[Slice]:
    """Yield a slice for each part in `order`; `parts` is the part of each battle, str [n]."""
    for part in order:
        yield Slice(name, part, parts == part)


def _by_value(name: str, values: pa.ChunkedArray) -> Iterator[Slice]:
    """Divide by a column of the source, its most frequent values first; there are none without."""
    counts = Counter(value for value in values.to_pylist() if value is not None)
    order = tuple(value for value, _ in counts.most_common(MOST_VALUES))
    return _divide(name, np.array(values.to_pylist(), dtype=object), order)


def _two_parts(name: str, without: str, having: str, members: np.ndarray) -> Iterator[Slice]:
    return _divide(name, np.where(members, having, without), (without, having))


def _by_length(first: list[str], second: list[str]) -> Iterator[Slice]:
    """Divide into thirds by the total length of the two answers."""
    lengths = _lengths(first) + _lengths(second)
    thirds = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3]), lengths, side="left")
    names = ("short", "medium", "long")
    return _divide("response length", np.array(names)[thirds], names)


def _by_length_difference(first: list[str], second: list[str]) -> Iterator[Slice]:
    lengths = _lengths(first), _lengths(second)
    margin = (lengths[0] - lengths[1]) / np.maximum(lengths[0] + lengths[1], 1)
    longer = np.where(
        margin > LENGTH_MARGIN, "A", np.where(margin < -LENGTH_MARGIN, "B", "neither")
    )
    return _divide("longer answer", longer, ("A", "B", "neither"))


def _lengths(texts: list[str]) -> np.ndarray:
    return np.array([len(text) for text in texts])


def _is_non_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(map(_is_non_latin_letter, letters)) > NON_LATIN_FRACTION * len(letters)


def _is_non_latin_letter(letter: str) -> bool:
    first, last = ADDITIONAL_LATIN
    return letter > LAST_LATIN and not first <= letter <= last
