"""A prompt or an answer as the dense features read it: words, lines and counts, each found once."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class ReadText:
    """The turns of a prompt or of an answer."""

    turns: Sequence[str]

    @cached_property
    def text(self) -> str:
        """All turns, joined with newlines."""
        return "\n".join(self.turns)

    @cached_property
    def lower(self) -> str:
        """All turns in lower case."""
        return self.text.lower()

    @cached_property
    def words(self) -> list[str]:
        """The words in their order: runs of letters, digits and underscores, in lower case."""
        return WORD.findall(self.lower)

    @cached_property
    def distinct(self) -> set[str]:
        """The distinct words."""
        return set(self.words)

    @cached_property
    def word_pairs(self) -> set[tuple[str, str]]:
        """The distinct pairs of neighbouring words."""
        return set(zip(self.words, self.words[1:], strict=False))

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.text.split("\n") if line.strip()]

    @cached_property
    def _word_counts(self) -> Counter[str]:
        return Counter(self.words)

    @cached_property
    def _byte_counts(self) -> list[int]:
        encoded = np.frombuffer(self.text.encode("utf-8", "replace"), dtype=np.uint8)
        return np.bincount(encoded, minlength=256).tolist()

    def count_words(self, names: frozenset[str]) -> int:
        """Return how many of the words are among `names`."""
        return sum(self._word_counts[name] for name in names)

    def count_characters(self, characters: bytes) -> int:
        """Return how many characters are among some ASCII characters."""
        return sum(self._byte_counts[character] for character in characters)

    @cached_property
    def non_ascii(self) -> int:
        """The number of characters outside ASCII."""
        return len(self.text) - sum(self._byte_counts[:128])
