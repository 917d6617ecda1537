"""What each experiment changes, and on which seeds it was trained."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.tables import Cell, Table

HEADER = ("experiment", "what it changes", "seeds")


def experiments_table(details: Mapping[str, Any]) -> Table:
    """Return the changes of each experiment against the baseline.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    baseline = details["baseline"]
    rows = [
        [
            Cell(name),
            Cell(_describe(one["changes"], is_baseline=name == baseline)),
            Cell(", ".join(map(str, one["seeds"]))),
        ]
        for name, one in details["described"].items()
    ]
    return Table(f"The experiments, compared with {baseline}", HEADER, rows, holds_text=True)


def _describe(changes: Mapping[str, list[Any]], is_baseline: bool) -> str:
    if not changes:
        return "the shared parameters" if is_baseline else "nothing"
    return "; ".join(f"{name} {_show(old)} to {_show(new)}" for name, (old, new) in changes.items())


def _show(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
