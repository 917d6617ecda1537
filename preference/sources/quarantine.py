"""Rows that cannot be read as battles, and the limit on their fraction."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from preference.runtime.atomic_write import write_text
from preference.runtime.errors import BadInput

REPORTED_REASONS = 3


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that cannot be read as a battle, and the reason.

    Attributes:
        source: the name of the source or, where that is a folder, of the file in it.
        line: the line at which the row starts; in Parquet, its number.
        reason: a short, fixed text, so that reasons can be counted.
        id: the id as it stands in the source, None where it cannot be read.
    """

    source: str
    line: int
    reason: str
    id: str | None


def write_quarantine(rows: Sequence[QuarantinedRow], path: Path) -> None:
    """Write one JSON object on each line; without rows the file is empty."""
    write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), path)


def count_reasons(rows: Sequence[QuarantinedRow]) -> dict[str, int]:
    """Count the rows for each reason, the most frequent first."""
    return dict(Counter(row.reason for row in rows).most_common())


def describe_quarantine(rows: Sequence[QuarantinedRow], rows_kept: int, source: str) -> str:
    """Return one line on the quarantined rows of a source, at least one, with examples."""
    unreadable = describe_unreadable(rows, rows_kept, source)
    return f"{unreadable} data/quarantine.jsonl lists all of them."


def describe_unreadable(rows: Sequence[QuarantinedRow], rows_kept: int, source: str) -> str:
    """Return a sentence that counts the unreadable rows of a source by reason, with examples."""
    first = {row.reason: f"line {row.line} of {row.source}" for row in reversed(rows)}
    reasons = count_reasons(rows)
    examples = "; ".join(
        f"{reason} ({count} row{'s' if count > 1 else ''}, the first is {first[reason]})"
        for reason, count in list(reasons.items())[:REPORTED_REASONS]
    )
    others = "; and others" if len(reasons) > REPORTED_REASONS else ""
    return (
        f"{source}: {len(rows)} of {len(rows) + rows_kept} rows cannot be read as battles: "
        f"{examples}{others}."
    )


def check_quarantine(
    rows: Sequence[QuarantinedRow], rows_kept: int, source: str, max_fraction: float
) -> None:
    """Raise an error where too many rows of a source are quarantined.

    Args:
        rows: the quarantined rows of the source.
        rows_kept: the number of its battles.
        source: its name.
        max_fraction: the largest fraction of its rows that may be quarantined.

    Raises:
        BadInput: the fraction is larger, or the source has no battle at all.
    """
    rows_read = len(rows) + rows_kept
    if rows_kept and len(rows) <= max_fraction * rows_read:
        return
    raise BadInput(
        f"{describe_quarantine(rows, rows_kept, source)} At most {max_fraction:.2%} may "
        "be: fix these rows, or raise data.max_quarantined."
    )
