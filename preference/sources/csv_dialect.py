"""Recognise the separator of a CSV file, and quotes that are escaped by a backslash."""

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
# The first line that Excel reads, and writes, to say which separator follows.
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
# What a backslash escapes in a quoted field of Spark: a quote, or another backslash.
UNESCAPED = {'\\"': '""', "\\\\": "\\"}
# A quote after a backslash inside of a field, which is an error where quotes are doubled.
BACKSLASHED_QUOTE = re.compile(r'\\"(?=[^"\r\n,;|\t])')

# No doubled quote.
EMPTY_FIELD = re.compile(r'(?:^|(?<=[,;|\t]))""(?=[,;|\t\r\n]|$)', re.MULTILINE)


@dataclass(frozen=True)
class Dialect:
    """The separator, whether the first line only names it, and whether `\\"` is a quote."""

    separator: str
    is_named: bool
    has_backslashes: bool


def find_dialect(sample: str, known: Collection[str]) -> Dialect:
    """Recognise the dialect of a file.

    Args:
        sample: its first lines.
        known: names of columns. The separator is the one that finds most of them in the header.
    """
    named = SEPARATOR_LINE.match(sample)
    header = sample.splitlines()[0] if sample.splitlines() else ""
    separator = max(SEPARATORS, key=lambda one: _count_known(header, one, known))
    doubled = sample.count('""') - len(EMPTY_FIELD.findall(sample))
    return Dialect(
        separator=named[1] if named else separator,
        is_named=named is not None,
        has_backslashes=len(BACKSLASHED_QUOTE.findall(sample)) > doubled,
    )


def _count_known(header: str, separator: str, known: Collection[str]) -> int:
    fields = next(csv.reader([header], delimiter=separator), [])
    return sum(field in known for field in fields)


class DoubledQuotes:
    """Iterate over lines, in which quotes escaped by a backslash become doubled quotes.

    As Spark reads them, only a quote and a backslash are escaped, and only in a quoted field.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._in_quotes = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if "\\" not in line:
            self._in_quotes ^= bool(line.count('"') % 2)
            return line
        return "".join(self._convert(line))

    def begin_row(self) -> None:
        """Forget a quote that a malformed row has left open."""
        self._in_quotes = False

    def _convert(self, line: str) -> Iterator[str]:
        for token in re.findall(r'\\["\\]|"|[^"\\]+|\\', line):
            if token == '"':
                self._in_quotes = not self._in_quotes
            yield UNESCAPED.get(token, token) if self._in_quotes else token
