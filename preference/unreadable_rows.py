"""What the user is told of rows that are no battles, and so cannot be predicted."""

import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from preference.errors import BadInput
from preference.terminal_text import one_line

TOLD_BY_LINE = 10


class UnreadableRows:
    """Tell of the first rows line by line as they come, and of all of them at the end.

    Args:
        source: the file that they stand in.
        strict: make the first one an error.
    """

    def __init__(self, source: Path, strict: bool) -> None:
        self._source, self._strict = source, strict
        self._reasons: Counter[str] = Counter()

    def add(self, line: int, reason: str) -> None:
        """Note a row.

        Raises:
            BadInput: where that is asked for.
        """
        if self._strict:
            raise BadInput(f"{self._source}, line {line}: {reason}. Fix the row.")
        if self._reasons.total() < TOLD_BY_LINE:
            tqdm.write(one_line(f"{self._source}, line {line}: {reason}"), file=sys.stderr)
        self._reasons[reason] += 1

    def summarize(self, rows: int) -> None:
        """Tell how many of all `rows` there were, and what they got.

        Raises:
            BadInput: all of them.
        """
        count = self._reasons.total()
        if not count:
            return
        reasons = ", ".join(
            f"{reason} ({count:,})" for reason, count in self._reasons.most_common()
        )
        told = f"{self._source}: {count:,} of {rows:,} rows cannot be read as battles: {reasons}."
        if count == rows:
            raise BadInput(f"{told} Nothing is written. Give it the columns of the Kaggle schema.")
        told = one_line(f"{told} They get the shares of A, B and tie in train.")
        tqdm.write(told, file=sys.stderr)
