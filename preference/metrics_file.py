"""Metrics files: small JSON that is kept in git, so that its differences must read well."""

import json
from collections.abc import Mapping
from pathlib import Path

from preference.atomic_output import write_text

DIGITS = 6


def write_metrics(metrics: Mapping[str, object], path: Path) -> None:
    """Write nested metrics as indented JSON, with floats rounded to `DIGITS`.

    Raises:
        ValueError: a metric is not a finite number.
    """
    text = json.dumps(_rounded(metrics), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", path)


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
