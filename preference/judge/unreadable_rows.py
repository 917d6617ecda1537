"""Report the rows of a file that cannot be read as battles, and are predicted as the prior."""

import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line

MAX_REPORTED_ROWS = 10


class UnreadableRows:
    """Report the first unreadable rows one by one, and count all of them.

    Args:
        source: the file or folder that is read.
        strict: raise an error at the first such row.
    """

    def __init__(self, source: Path, strict: bool) -> None:
        self._source, self._strict = source, strict
        self.reasons: Counter[str] = Counter()

    def add(self, place: str, reason: str) -> None:
        """Report or count a row, which stands at `place`.

        Raises:
            BadInput: `strict` is set.
        """
        if self._strict:
            raise BadInput(f"{place}: {reason}. Fix the row.")
        if self.reasons.total() < MAX_REPORTED_ROWS:
            tqdm.write(one_line(f"{place}: {reason}"), file=sys.stderr)
        self.reasons[reason] += 1

    def summarize(self, rows: int) -> None:
        """Report the number of unreadable rows among all `rows`.

        Raises:
            BadInput: none of the rows could be read.
        """
        summarize_unreadable(str(self._source), self.reasons, rows)


def summarize_unreadable(source: str, reasons: Counter[str], rows: int) -> None:
    """Report how many of all `rows` cannot be read, by reason.

    Raises:
        BadInput: none of the rows could be read.
    """
    count = reasons.total()
    if not count:
        return
    counts = ", ".join(f"{reason} ({number:,})" for reason, number in reasons.most_common())
    summary = f"{source}: {count:,} of {rows:,} rows cannot be read as battles: {counts}."
    if count == rows:
        raise BadInput(
            f"{summary} Nothing is written. Correct the rows: docs/data.md has all schemas."
        )
    summary = one_line(f"{summary} They get the shares of A, B and tie in train.")
    tqdm.write(summary, file=sys.stderr)
