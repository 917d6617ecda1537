"""Draw the milliseconds of each operation, and its floor.

    .venv-bench/bin/python -m checks.benchmarks.roofline_chart docs/results/benchmarks

Reads <stem>-roofline.json; writes <stem>-roofline.svg.
"""

import argparse
import json
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from preference.runtime.atomic_write import writing_file

MEASURED, FLOOR = "#a9c7e3", "#2a6fb0"
PHASES = ("training", "prediction")
WIDTH, BAR_HEIGHT, MARGIN = 10, 0.35, 1.2
MILLI = 1000


def draw(rows: list[dict]) -> Figure:
    """Return bars of the time of each operation in a step, with its floor in front."""
    most = max(sum(row["phase"] == phase for row in rows) for phase in PHASES)
    figure = Figure(figsize=(WIDTH, BAR_HEIGHT * most + MARGIN), layout="constrained")
    for axes, phase in zip(figure.subplots(1, len(PHASES)), PHASES, strict=True):
        _draw_phase(axes, [row for row in rows if row["phase"] == phase])
        axes.set_title(phase.capitalize())
    return figure


def _draw_phase(axes: Axes, rows: list[dict]) -> None:
    seconds, floors = [row["seconds"] for row in rows], [row["floor_seconds"] for row in rows]
    measured = axes.barh(
        range(len(rows)), [MILLI * value for value in seconds], color=MEASURED, label="measured"
    )
    axes.barh(range(len(rows)), [MILLI * value for value in floors], color=FLOOR, label="floor")
    shares = [f"{floor / value:.0%}" for floor, value in zip(floors, seconds, strict=True)]
    axes.bar_label(measured, shares, padding=3)
    axes.margins(x=0.12)
    axes.set_yticks(range(len(rows)), [row["operation"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("ms a step")
    axes.legend(loc="lower right")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw operations and their floors.")
    parser.add_argument("stem", type=Path)
    path = Path(f"{parser.parse_args().stem}-roofline.json")
    # A fixed salt, so that the same results give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    figure = draw(json.loads(path.read_text()))
    with writing_file(path.with_suffix(".svg")) as new:
        figure.savefig(new, metadata={"Date": None})
