"""Slices: parts of the test battles that a model may find easier or harder.

Lengths are in characters, over all turns.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from preference.battles.table import BATTLES_A_BATCH, FIELDS, LABELS
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
MEASURES = [
    ("turns", int),
    ("length_a", int),
    ("length_b", int),
    ("are_identical", bool),
    ("is_non_latin", bool),
    ("has_code", bool),
]


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
    texts = _measure_texts(battles)
    divisions = [
        _two_parts("turns", "one", "several", texts["turns"] > 1),
        *[_two_parts(name, "no", "yes", members) for name, members in truncated.items()],
        _by_length(texts["length_a"], texts["length_b"]),
        _by_length_difference(texts["length_a"], texts["length_b"]),
        _divide("label", np.array(LABELS)[labels], LABELS),
        _two_parts("answers", "different", "identical", texts["are_identical"]),
        _two_parts("script", "Latin", "other", texts["is_non_latin"]),
        _two_parts("code", "no", "yes", texts["has_code"]),
        *[_by_value(name, battles[name]) for name in KEPT_COLUMNS if name in battles.column_names],
    ]
    return [part for parts in divisions for part in parts if part.members.any()]


def _measure_texts(battles: pa.Table) -> np.ndarray:
    """Return what the slices need to know of each battle, a record array [n] of `MEASURES`.

    Only some battles are Python texts at a time, which take several times the memory of a table.
    """
    measures = [
        _measure(*turns)
        for batch in battles.select(FIELDS).to_batches(BATTLES_A_BATCH)
        for turns in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    ]
    return np.array(measures, dtype=MEASURES)


def _measure(prompt: list[str], first: list[str], second: list[str]) -> tuple[int | bool, ...]:
    texts = ["\n".join(turns) for turns in (prompt, first, second)]
    whole = "\n".join(texts)
    return (
        len(prompt),
        len(texts[1]),
        len(texts[2]),
        first == second,
        _is_non_latin(whole),
        CODE_FENCE in whole,
    )


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


def _by_length(first: np.ndarray, second: np.ndarray) -> Iterator[Slice]:
    """Divide into thirds by the total length of the two answers, int [n] each."""
    lengths = first + second
    thirds = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3]), lengths, side="left")
    names = ("short", "medium", "long")
    return _divide("response length", np.array(names)[thirds], names)


def _by_length_difference(first: np.ndarray, second: np.ndarray) -> Iterator[Slice]:
    margin = (first - second) / np.maximum(first + second, 1)
    longer = np.where(
        margin > LENGTH_MARGIN, "A", np.where(margin < -LENGTH_MARGIN, "B", "neither")
    )
    return _divide("longer answer", longer, ("A", "B", "neither"))


def _is_non_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(map(_is_non_latin_letter, letters)) > NON_LATIN_FRACTION * len(letters)


def _is_non_latin_letter(letter: str) -> bool:
    first, last = ADDITIONAL_LATIN
    return letter > LAST_LATIN and not first <= letter <= last
