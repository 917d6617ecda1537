"""A table as text: one form for Markdown and for HTML."""

from dataclasses import dataclass

from preference.rendering.numbers import EstimateRecord, interval, number

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A figure and, where it has one, its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its heading."""

    caption: str
    header: tuple[str, ...]
    rows: list[list[Cell]]


def estimate_cell(estimate: EstimateRecord, digits: int = 4) -> Cell:
    """Return an estimate with its interval, or with the words that it has none."""
    return Cell(number(estimate["value"], digits), interval(estimate, digits))


def number_cell(value: float | None) -> Cell:
    """Return a figure that may not be known."""
    return Cell(NONE if value is None else number(value))


def share_cell(value: float | None) -> Cell:
    """Return a share, which may not be known, in per cent."""
    return Cell(NONE if value is None else f"{number(100 * value, 1)}\u00a0%")
