"""Metrics files: small JSON that is kept in git, rounded so that its diffs are readable."""

from collections.abc import Mapping
from pathlib import Path

from preference.runtime.atomic_write import write_text
from preference.runtime.strict_json import to_json

DIGITS = 6


def write_metrics(metrics: Mapping[str, object], path: Path) -> None:
    """Write nested metrics as indented JSON, with floats rounded to `DIGITS` decimals.

    Raises:
        ValueError: a metric is not a finite number.
    """
    write_text(to_json(_rounded(metrics), indent=2), path)


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
