"""Read and write the results as JSON Lines; the first line is the origin of the others."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.benchmarks.gpu.task import Found


@dataclass(frozen=True)
class Origin:
    """The command, the day, the name of the GPU, and the versions of packages."""

    command: str
    day: str
    card: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Results:
    """The rows of one run, in the order in which they were measured."""

    origin: Origin
    rows: list[Found]


def start_results(path: Path, origin: Origin) -> None:
    """Write the file's first line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(origin), allow_nan=False) + "\n")


def append_row(path: Path, row: Found) -> None:
    """Append a row at once, so that a run that is killed keeps its results."""
    with path.open("a") as file:
        file.write(json.dumps(row, allow_nan=False) + "\n")


def read_results(path: Path) -> Results:
    """Read the file that `start_results` and `append_row` wrote."""
    origin, *rows = map(json.loads, path.read_text().splitlines())
    return Results(Origin(**origin), rows)
