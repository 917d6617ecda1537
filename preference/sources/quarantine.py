"""The rows of the sources that are no battles, and the limit on their share."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from preference.runtime.atomic_write import write_text
from preference.runtime.errors import BadInput

REASONS_TOLD = 3


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that is no battle: its source and line, the reason, and its id where it has one.

    Of a source that is a folder, `source` is the file.
    """

    source: str
    line: int
    reason: str
    id: str | None


def write_quarantine(rows: Sequence[QuarantinedRow], path: Path) -> None:
    """Write one JSON object a line; the file is empty when there are no rows."""
    write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), path)


def count_reasons(rows: Sequence[QuarantinedRow]) -> dict[str, int]:
    """Count the rows of each reason, the most frequent first."""
    return dict(Counter(row.reason for row in rows).most_common())


def check_quarantine(
    rows: Sequence[QuarantinedRow], rows_kept: int, source: str, max_share: float
) -> None:
    """Stop where too many rows of a source, or all, are quarantined.

    Args:
        rows: those of the source that are quarantined.
        rows_kept: how many others it has.
        source: its name.
        max_share: of all its rows.

    Raises:
        BadInput: the share of `rows` is above `max_share`, or no row was kept.
    """
    rows_read = len(rows) + rows_kept
    if rows_kept and len(rows) <= max_share * rows_read:
        return
    first = {row.reason: f"line {row.line} of {row.source}" for row in reversed(rows)}
    reasons = list(count_reasons(rows).items())[:REASONS_TOLD]
    examples = "; ".join(
        f"{reason} ({count} rows, the first is {first[reason]})" for reason, count in reasons
    )
    raise BadInput(
        f"{source}: {len(rows)} of {rows_read} rows cannot be read as battles, and at most "
        f"{max_share:.2%} may be: {examples}. data/quarantine.jsonl lists all of them. "
        "Fix these rows, or raise data.max_quarantined."
    )
