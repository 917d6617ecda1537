"""Write the page of Markdown from the content of the JSON file alone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from checks.interval_coverage import models, population, settings, world
from checks.interval_coverage.results import (
    HIGHEST,
    LOWEST,
    MOST_FALSE_ALARMS,
    Row,
    is_outside,
    is_surely_outside,
)
from checks.interval_coverage.study import GROUPS
from preference.rendering.numbers import number
from preference.rendering.templates_env import environment

TEMPLATES = Path(__file__).parent / "templates"


def write_page(results: Mapping[str, Any], command: str) -> str:
    """Return the page, which names the command that made it."""
    templates = environment(TEMPLATES)
    templates.filters.update(number=number, percent=_percent, name=_name)
    rows = [*results["intervals"], *results["tests"]]
    of_groups = [row for row in rows if row["resampled"] == GROUPS]
    both = {(_name(row), row["condition"]) for row in rows if row["resampled"] != GROUPS}
    return templates.get_template("statistics.md.j2").render(
        results,
        command=command,
        asked=(LOWEST, HIGHEST, MOST_FALSE_ALARMS),
        outside=[row for row in of_groups if is_surely_outside(row)],
        coverage_table=_table([row for row in of_groups if "figure" in row], _condition),
        tests_table=_table([row for row in of_groups if "test" in row], _condition),
        groups_table=_table(
            [row for row in rows if (_name(row), row["condition"]) in both],
            lambda row: f"{_condition(row)}: {row['resampled']} drawn",
        ),
        models=models,
        population=population,
        settings=settings,
        world=world,
    )


def _table(rows: Sequence[Row], column: Callable[[Row], str]) -> list[list[str]]:
    """Return the header, then one line for each name, with one cell for each column."""
    columns = list(dict.fromkeys(column(row) for row in rows))
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        lines.setdefault(_name(row), {})[column(row)] = _cell(row)
    return [["", *columns], *([name, *map(cells.get, columns)] for name, cells in lines.items())]


def _condition(row: Row) -> str:
    return row["condition"]


def _name(row: Row) -> str:
    return row["test"] if "test" in row else f"{row['figure'].replace('_', ' ')}: {row['model']}"


def _cell(row: Row) -> str:
    low, high = (number(100 * row[bound], 1) for bound in ("low", "high"))
    cell = f"{_percent(row['share'])} [{low}, {high}]"
    return f"**{cell}**" if is_outside(row) else cell


def _percent(share: float) -> str:
    return f"{number(100 * share, 1)}\u00a0%"
