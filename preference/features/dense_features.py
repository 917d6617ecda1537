"""Compute the dense features of battles, and lay them out as the columns that trees read.

A row of columns is A minus B, |A - B|, A, B (the features of the answers), the pair and the prompt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from preference.battles.table import BATTLES_A_BATCH
from preference.features.feature_table import FEATURES
from preference.features.read_text import ReadText
from preference.sequences.feature_store import feature_name

ANSWER_FEATURES, PAIR_FEATURES, PROMPT_FEATURES = (
    [feature for feature in FEATURES if feature.of == kind] for kind in ("answer", "pair", "prompt")
)
SHARED_FEATURES = [*PAIR_FEATURES, *PROMPT_FEATURES]
GROUPS = list(dict.fromkeys(feature.group for feature in FEATURES))
OF_ANSWERS = ("A minus B", "|A - B|", "A", "B")
COLUMNS = [
    *(f"{one.name}, {column}" for column in OF_ANSWERS for one in ANSWER_FEATURES),
    *(feature_name(one.of, one.name) for one in SHARED_FEATURES),
]


@dataclass(frozen=True)
class DenseFeatures:
    """The features of n battles, float32.

    `answers` is [2, n, answer features], those of A first; `shared` is [n, pair and prompt
    features].
    """

    answers: np.ndarray
    shared: np.ndarray

    def columns(self) -> np.ndarray:
        """Return the columns of the battles as they are, float32 [n, columns]."""
        return self._arrange(*self.answers)

    def swapped(self) -> np.ndarray:
        """Return the columns of the battles with their answers swapped, float32 [n, columns]."""
        return self._arrange(*self.answers[::-1])

    def shuffle_group(self, group: str, order: np.ndarray) -> "DenseFeatures":
        """Return features in which those of a group are those of the battles `order`, int [n]."""
        of_answers = [feature.group == group for feature in ANSWER_FEATURES]
        of_shared = [feature.group == group for feature in SHARED_FEATURES]
        return DenseFeatures(
            np.where(of_answers, self.answers[:, order], self.answers),
            np.where(of_shared, self.shared[order], self.shared),
        )

    def _arrange(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        difference = first - second
        return np.hstack([difference, np.abs(difference), first, second, self.shared])


def compute_features(battles: pa.Table) -> DenseFeatures:
    """Return the features of battles with the columns `prompt`, `response_a` and `response_b`.

    Texts are read batch by batch, so that few are in memory.
    """
    answers = np.empty((2, len(battles), len(ANSWER_FEATURES)), dtype=np.float32)
    shared = np.empty((len(battles), len(SHARED_FEATURES)), dtype=np.float32)
    for row, (prompt, *pair) in enumerate(_read_battles(battles)):
        for side, answer in enumerate(pair):
            answers[side, row] = [one.measure(answer, prompt) for one in ANSWER_FEATURES]
        of_pair = [one.measure(*pair) for one in PAIR_FEATURES]
        shared[row] = of_pair + [one.measure(prompt, prompt) for one in PROMPT_FEATURES]
    return DenseFeatures(answers, shared)


def _read_battles(battles: pa.Table) -> Iterator[Sequence[ReadText]]:
    for batch in battles.to_batches(BATTLES_A_BATCH):
        columns = [batch[name].to_pylist() for name in ("prompt", "response_a", "response_b")]
        for turns in zip(*columns, strict=True):
            yield [ReadText(one) for one in turns]
