"""Names and values from data as Markdown that they can neither break nor mark up."""

import re
from collections.abc import Sequence

from tabulate import tabulate

LONGEST = 80
NONE = "–"


def code(value: object) -> str:
    """Return the value as a code span of one line, cut to `LONGEST` characters.

    In a code span nothing is markup, and nobody is mentioned, but a bar ends the cell of a table:
    it is shown as a broken bar.
    """
    shown = "".join(each for each in str(value) if each.isprintable() or each.isspace())
    words = " ".join(shown.split()).replace("|", "¦") or '""'
    if len(words) > LONGEST:
        words = words[: LONGEST - 1] + "…"
    if "`" not in words:
        return f"`{words}`"
    fence = "`" * (1 + max(len(run) for run in re.findall("`+", words)))
    return f"{fence} {words} {fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are aligned for a terminal too. Cells are Markdown."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)
