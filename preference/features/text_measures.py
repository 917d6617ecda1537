"""What dense features are made of: numbers that are measured in one text or in two.

A measure is called with two texts: an answer and its prompt, the two answers, or the prompt twice.
"""

import math
import re
import zlib
from collections.abc import Callable

from preference.features.read_text import ReadText

Measure = Callable[[ReadText, ReadText], float]

# The header of zlib makes shorter texts look incompressible.
SHORTEST_COMPRESSED = 20


def log_count(measure: Measure) -> Measure:
    """Return log(1 + count): ten more matter less where there are many than where there are few."""
    return lambda one, other: math.log1p(measure(one, other))


def fraction(part: Measure, whole: Measure) -> Measure:
    """Return a part of a whole; of an empty whole, 0."""
    return lambda one, other: part(one, other) / max(whole(one, other), 1)


def occurrences(literal: str) -> Measure:
    """Count a piece of text."""
    return lambda one, _: one.text.count(literal)


def matches(pattern: str) -> Measure:
    """Count the matches of a pattern; `^` is the start of a line."""
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda one, _: len(compiled.findall(one.text))


def phrases(pattern: str) -> Measure:
    """Count the matches of a pattern in the lower-case text."""
    compiled = re.compile(pattern)
    return lambda one, _: len(compiled.findall(one.lower))


def starts_with(pattern: str) -> Measure:
    """Return whether the lower-case text begins with a pattern, after white space."""
    compiled = re.compile(rf"\s*(?:{pattern})\b")
    return lambda one, _: float(compiled.match(one.lower) is not None)


def words_among(names: str) -> Measure:
    """Count the words that are among `names`, which white space separates."""
    chosen = frozenset(names.split())
    return lambda one, _: one.count_words(chosen)


def characters_among(characters: str) -> Measure:
    """Count the characters that are among some ASCII characters."""
    encoded = characters.encode("ascii")
    return lambda one, _: one.count_characters(encoded)


def length(one: ReadText, _: ReadText) -> float:
    """Count the characters."""
    return len(one.text)


def word_count(one: ReadText, _: ReadText) -> float:
    """Count the words."""
    return len(one.words)


def distinct_words(one: ReadText, _: ReadText) -> float:
    """Count the distinct words."""
    return len(one.distinct)


def letters_in_words(one: ReadText, _: ReadText) -> float:
    """Count the characters of all words."""
    return sum(map(len, one.words))


def long_words(one: ReadText, _: ReadText) -> float:
    """Count the words of at least 9 characters."""
    return sum(len(word) >= 9 for word in one.words)


def non_ascii(one: ReadText, _: ReadText) -> float:
    """Count the characters outside ASCII."""
    return one.non_ascii


def line_count(one: ReadText, _: ReadText) -> float:
    """Count the lines that are not blank."""
    return len(one.lines)


def distinct_lines(one: ReadText, _: ReadText) -> float:
    """Count the distinct lines that are not blank."""
    return len(set(one.lines))


def longest_line(one: ReadText, _: ReadText) -> float:
    """Return the length of the longest line."""
    return max(map(len, one.lines), default=0)


def last_turn(one: ReadText, _: ReadText) -> float:
    """Return the length of the last turn."""
    return len(one.turns[-1])


def turn_count(one: ReadText, _: ReadText) -> float:
    """Count the turns."""
    return len(one.turns)


def compression(one: ReadText, _: ReadText) -> float:
    """Return the size after compression, relative to that before."""
    encoded = one.text.encode("utf-8", "replace")
    return len(zlib.compress(encoded, 1)) / max(len(encoded), SHORTEST_COMPRESSED)


def word_pair_count(one: ReadText, _: ReadText) -> float:
    """Count the pairs of neighbouring words."""
    return max(len(one.words) - 1, 0)


def distinct_word_pairs(one: ReadText, _: ReadText) -> float:
    """Count the distinct pairs of neighbouring words."""
    return len(one.word_pairs)


def ends_with(endings: str) -> Measure:
    """Return whether the last character, but for white space, is among `endings`."""
    return lambda one, _: float(one.text.rstrip()[-1:] in {*endings})


def is_blank(one: ReadText, _: ReadText) -> float:
    """Return whether there is nothing but white space."""
    return float(not one.lines)


def common_words(one: ReadText, other: ReadText) -> float:
    """Count the distinct words that both texts have."""
    return len(one.distinct & other.distinct)


def words_of_either(one: ReadText, other: ReadText) -> float:
    """Count the distinct words that one of the texts has."""
    return len(one.distinct | other.distinct)


def words_of_other(one: ReadText, other: ReadText) -> float:
    """Count the distinct words of the other text."""
    return len(other.distinct)


def common_word_pairs(one: ReadText, other: ReadText) -> float:
    """Count the pairs of neighbouring words that both texts have."""
    return len(one.word_pairs & other.word_pairs)


def word_pairs_of_either(one: ReadText, other: ReadText) -> float:
    """Count the pairs of neighbouring words that one of the texts has."""
    return len(one.word_pairs | other.word_pairs)


def length_ratio(one: ReadText, other: ReadText) -> float:
    """Return the absolute difference of the logarithms of the lengths."""
    return abs(math.log1p(len(one.text)) - math.log1p(len(other.text)))


def is_identical(one: ReadText, other: ReadText) -> float:
    """Return whether both texts are the same."""
    return float(one.text == other.text)


def common_start(one: ReadText, other: ReadText) -> float:
    """Count the words that both texts begin with."""
    pairs = zip(one.words, other.words, strict=False)
    differing = (number for number, (first, second) in enumerate(pairs) if first != second)
    return next(differing, min(len(one.words), len(other.words)))
