"""Tables of formatted values, for Markdown and for HTML."""

from dataclasses import dataclass

from preference.rendering.numbers import EstimateRecord, interval, number

# Shown for a value that does not exist.
NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A formatted value and its interval, if it has one."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its heading.

    `holds_text` is whether its cells are words, and not numbers below each other.
    """

    caption: str
    header: tuple[str, ...]
    rows: list[list[Cell]]
    holds_text: bool = False


def estimate_cell(estimate: EstimateRecord, digits: int = 4) -> Cell:
    """Return an estimate with its interval."""
    return Cell(number(estimate["value"], digits), interval(estimate, digits))


def number_cell(value: float | None) -> Cell:
    """Return a number, or `NONE`."""
    return Cell(NONE if value is None else number(value))


def fraction_cell(value: float | None) -> Cell:
    """Return a fraction in per cent, or `NONE`."""
    return Cell(NONE if value is None else f"{number(100 * value, 1)}\u00a0%")
