"""The measured parts on disk: a list of rows each, and one file that says where all come from."""

import json
from dataclasses import asdict
from pathlib import Path

from checks.benchmarks.report import Origin, Part
from preference.runtime.atomic_write import write_text

# What no other program may disturb comes first.
PARTS = ("comparison", "lengths", "utilisation", "stages", "quality")


def read_parts(out: Path) -> dict[str, Part]:
    """Return the parts that were measured before, for the page `out`."""
    if not origins_path(out).exists():
        return {}
    origins = json.loads(origins_path(out).read_text())
    return {
        name: Part(json.loads(table_path(out, name).read_text()), Origin(**origin))
        for name, origin in origins.items()
    }


def write_parts(parts: dict[str, Part], out: Path) -> None:
    """Write what `read_parts` reads."""
    for name, part in parts.items():
        _write_json(part.rows, table_path(out, name))
    _write_json({name: asdict(part.origin) for name, part in parts.items()}, origins_path(out))


def table_path(out: Path, part: str) -> Path:
    """Return where a part's rows stand: the comparison's beside the page, under its name."""
    return out.with_suffix(".json") if part == "comparison" else Path(f"{out}-{part}.json")


def origins_path(out: Path) -> Path:
    """Return where the commands, days and machines of all parts stand."""
    return Path(f"{out}-origins.json")


def _write_json(content: object, path: Path) -> None:
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)
