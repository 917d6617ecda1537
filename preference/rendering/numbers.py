"""Format numbers and lists of names, the same in every sentence and table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MINUS = "\u2212"
SMALLEST_P = 0.001
NO_INTERVAL = "(no interval)"

# An estimate as metrics files hold it: `value`, `low` and `high`. The last two are null where there
# is no interval.
EstimateRecord = Mapping[str, Any]


@dataclass(frozen=True)
class Sentence:
    """A sentence of the report without markup; a warning is highlighted."""

    text: str
    warning: bool = False


def number(value: float, digits: int = 4) -> str:
    """Return the value with a typographic minus sign, and never a negative zero."""
    return f"{value:z,.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 4) -> str:
    """Return the value with its sign, as for a difference."""
    return f"{value:+z,.{digits}f}".replace("-", MINUS)


def interval(estimate: EstimateRecord, digits: int = 4) -> str:
    """Return the interval of an estimate, such as [0.9101, 0.9533], or `NO_INTERVAL`."""
    if estimate["low"] is None:
        return NO_INTERVAL
    return f"[{number(estimate['low'], digits)}, {number(estimate['high'], digits)}]"


def signed_interval(difference: EstimateRecord, digits: int = 4) -> str:
    """Return the interval of a difference with signs, or `NO_INTERVAL`."""
    if difference["low"] is None:
        return NO_INTERVAL
    return f"[{signed(difference['low'], digits)}, {signed(difference['high'], digits)}]"


def with_interval(estimate: EstimateRecord, digits: int = 4) -> str:
    """Return an estimate with its interval, such as 0.9314 [0.9101, 0.9533]."""
    return f"{number(estimate['value'], digits)} {interval(estimate, digits)}"


def percent(fraction: float) -> str:
    """Return a fraction in whole per cent, with a no-break space."""
    return f"{number(100 * fraction, 0)}\u00a0%"


def p_value(p: float) -> str:
    """Return a p-value with its relation, such as "= 0.012", for use after the letter p."""
    return f"<\u00a0{SMALLEST_P}" if p < SMALLEST_P else f"=\u00a0{p:.3f}"


def quantity(value: float) -> str:
    """Return a value with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def join(names: Sequence[str]) -> str:
    """Return the names as in a sentence, such as "a, b and c"."""
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])
