"""Read and write measured parts: a file of rows for each, and one file with their origins."""

import json
from dataclasses import asdict
from pathlib import Path

from checks.benchmarks.report import Origin, Part
from preference.runtime.atomic_write import write_text

# Parts that another program would disturb most come first.
PARTS = ("comparison", "lengths", "utilisation", "roofline", "stages", "quality")


def read_parts(out: Path) -> dict[str, Part]:
    """Return the parts of the page `out` that were measured earlier."""
    if not origins_path(out).exists():
        return {}
    origins = json.loads(origins_path(out).read_text())
    return {
        name: Part(json.loads(table_path(out, name).read_text()), Origin(**origin))
        for name, origin in origins.items()
    }


def write_parts(parts: dict[str, Part], out: Path) -> None:
    """Write the parts for `read_parts`."""
    for name, part in parts.items():
        _write_json(part.rows, table_path(out, name))
    _write_json({name: asdict(part.origin) for name, part in parts.items()}, origins_path(out))


def table_path(out: Path, part: str) -> Path:
    """Return the file of a part's rows; that of the comparison has the name of the page."""
    return out.with_suffix(".json") if part == "comparison" else Path(f"{out}-{part}.json")


def origins_path(out: Path) -> Path:
    """Return the file with the command, day and machine of each part."""
    return Path(f"{out}-origins.json")


def _write_json(content: object, path: Path) -> None:
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)
