"""Parts of the test battles that a model may find easier or harder.

Lengths are in characters, over all turns. A part with fewer than `FEWEST_ROWS` battles or
`FEWEST_GROUPS` groups is said to be too small to judge by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from preference.battles.predictions import Predictions
from preference.battles.table import LABELS
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import LARGEST, estimate_mean
from preference.statistics.metrics import row_log_loss

FEWEST_ROWS = 100
FEWEST_GROUPS = 50
# Of the letters of a battle.
NON_LATIN_SHARE = 0.3
# One answer is longer where it has this share more of both answers' characters.
LONGER = 0.1
CODE_FENCE = "```"
# Letters up to here, and in the block of additional Latin, are Latin.
LAST_LATIN = "\u024f"
ADDITIONAL_LATIN = ("\u1e00", "\u1eff")


@dataclass(frozen=True)
class Slice:
    """One part of a division of the battles: `members` is bool [n]."""

    slice: str
    part: str
    members: np.ndarray


def slice_battles(
    battles: pa.Table, labels: np.ndarray, truncated: Mapping[str, np.ndarray]
) -> list[Slice]:
    """Divide the battles in each way; a part without battles is left out.

    Args:
        battles: `prompt`, `response_a` and `response_b`, list<string> [n].
        labels: int [n].
        truncated: whether a side was cut, bool [n], for each way to cut, by what it is called.
    """
    texts = {name: _joined(battles[name]) for name in ("prompt", "response_a", "response_b")}
    turns = np.array([len(prompt) for prompt in battles["prompt"].to_pylist()])
    whole = ["\n".join(parts) for parts in zip(*texts.values(), strict=True)]
    divisions = [
        _two_parts("turns", "one", "several", turns > 1),
        *[_two_parts(name, "no", "yes", members) for name, members in truncated.items()],
        _by_length(texts["response_a"], texts["response_b"]),
        _by_length_difference(texts["response_a"], texts["response_b"]),
        _divide("label", np.array(LABELS)[labels], LABELS),
        _two_parts("answers", "different", "identical", _identical(battles)),
        _two_parts("script", "Latin", "other", np.array([_is_non_latin(text) for text in whole])),
        _two_parts("code", "no", "yes", np.array([CODE_FENCE in text for text in whole])),
    ]
    return [part for parts in divisions for part in parts if part.members.any()]


def is_few(rows: int, groups: int) -> bool:
    """Return whether a part is too small to judge a model by."""
    return rows < FEWEST_ROWS or groups < FEWEST_GROUPS


def _joined(conversations: pa.ChunkedArray) -> list[str]:
    return ["\n".join(turns) for turns in conversations.to_pylist()]


def _identical(battles: pa.Table) -> np.ndarray:
    pairs = zip(battles["response_a"].to_pylist(), battles["response_b"].to_pylist(), strict=True)
    return np.array([first == second for first, second in pairs])


def _divide(name: str, parts: np.ndarray, order: tuple[str, ...]) -> Iterator[Slice]:
    """Yield a slice for each part; `parts` names the part of each battle, str [n]."""
    for part in order:
        yield Slice(name, part, parts == part)


def _two_parts(name: str, without: str, having: str, members: np.ndarray) -> Iterator[Slice]:
    return _divide(name, np.where(members, having, without), (without, having))


def _by_length(first: list[str], second: list[str]) -> Iterator[Slice]:
    """Divide into thirds by the mean length of the two answers."""
    lengths = _lengths(first) + _lengths(second)
    thirds = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3]), lengths, side="left")
    names = ("short", "medium", "long")
    return _divide("response length", np.array(names)[thirds], names)


def _by_length_difference(first: list[str], second: list[str]) -> Iterator[Slice]:
    lengths = _lengths(first), _lengths(second)
    share = (lengths[0] - lengths[1]) / np.maximum(lengths[0] + lengths[1], 1)
    longer = np.where(share > LONGER, "A", np.where(share < -LONGER, "B", "neither"))
    return _divide("longer answer", longer, ("A", "B", "neither"))


def _lengths(texts: list[str]) -> np.ndarray:
    return np.array([len(text) for text in texts])


def _is_non_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(map(_is_non_latin_letter, letters)) > NON_LATIN_SHARE * len(letters)


def _is_non_latin_letter(letter: str) -> bool:
    first, last = ADDITIONAL_LATIN
    return letter > LAST_LATIN and not first <= letter <= last


def score_slices(
    slices: Sequence[Slice],
    labels: np.ndarray,
    models: Mapping[str, Sequence[Predictions]],
    bootstrap: GroupBootstrap,
) -> list[dict[str, Any]]:
    """Return for each part its size and every model's figures, with intervals.

    Args:
        slices: of the n battles.
        labels: int [n].
        models: the trainings of each.
        bootstrap: of the n battles.
    """
    columns = {name: _columns(labels, trainings) for name, trainings in models.items()}
    return [_score(one, columns, bootstrap) for one in slices]


def _columns(labels: np.ndarray, trainings: Sequence[Predictions]) -> np.ndarray:
    """Return the loss and the hit of each battle: [n, seeds, 2]."""
    figures = [
        (row_log_loss(labels, one.probabilities), one.probabilities.argmax(axis=1) == labels)
        for one in trainings
    ]
    return np.array(figures).transpose(2, 0, 1)


def _score(
    one: Slice, columns: Mapping[str, np.ndarray], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    rows = int(one.members.sum())
    groups = len(np.unique(bootstrap.groups[one.members]))
    return {
        "slice": one.slice,
        "part": one.part,
        "rows": rows,
        "groups": groups,
        "few": is_few(rows, groups) or not bootstrap.has_enough_groups(one.members),
        "models": {
            name: _estimates(values, one.members, bootstrap) for name, values in columns.items()
        },
    }


def _estimates(
    values: np.ndarray, members: np.ndarray, bootstrap: GroupBootstrap
) -> dict[str, dict[str, float | None]]:
    totals = bootstrap.totals(values * members[:, None, None])
    counts = bootstrap.totals(members)
    # A resample may have no battle of a small part.
    with np.errstate(invalid="ignore"):
        means = totals / counts[:, None, None]
    return {
        name: asdict(estimate_mean(list(means[:, :, number].T), bootstrap, LARGEST[name], members))
        for number, name in enumerate(("log_loss", "accuracy"))
    }
