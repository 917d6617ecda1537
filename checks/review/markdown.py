"""Tables in Markdown."""

from collections.abc import Sequence

from tabulate import tabulate

NONE = "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are aligned for a terminal too. Cells are Markdown."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)
