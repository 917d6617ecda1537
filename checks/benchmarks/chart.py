"""Draw the comparison, and the cost against length where it was measured.

    .venv-bench/bin/python -m checks.benchmarks.chart docs/results/benchmarks

Reads <stem>.json and <stem>-lengths.json; writes <stem>.svg.
"""

import argparse
import json
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from preference.runtime.atomic_write import writing_file

RATES = {"train_rows_per_s": "Training", "predict_rows_per_s": "Prediction"}
COLOURS = {"study": "#8c8c8c", "transformers": "#d98c3f", "ours": "#2a6fb0"}
STEP_COLOUR = "#a9c7e3"
WIDTH, BAR_HEIGHT, LINES_HEIGHT, MARGIN = 10, 0.35, 3.2, 1.4


def draw(comparison: list[dict], lengths: list[dict]) -> Figure:
    """Return bars of battles per second, above lines of seconds per battle by length."""
    bars = BAR_HEIGHT * len(comparison) + MARGIN
    lines = LINES_HEIGHT if lengths else 0
    figure = Figure(figsize=(WIDTH, bars + lines), layout="constrained")
    grid = figure.add_gridspec(
        2 if lengths else 1, 2, height_ratios=[bars, lines] if lengths else None
    )
    for column, (rate, title) in enumerate(RATES.items()):
        axes = figure.add_subplot(grid[0, column])
        _draw_bars(axes, comparison, rate)
        axes.set_title(title)
        if lengths:
            _draw_lines(figure.add_subplot(grid[1, column]), lengths, rate)
    return figure


def _draw_bars(axes: Axes, rows: list[dict], rate: str) -> None:
    values = [row[rate] for row in rows]
    errors = [
        [value - row[f"{rate}_min"] for row, value in zip(rows, values, strict=True)],
        [row[f"{rate}_max"] - value for row, value in zip(rows, values, strict=True)],
    ]
    axes.barh(
        range(len(rows)),
        values,
        xerr=errors,
        color=[COLOURS.get(row["name"], STEP_COLOUR) for row in rows],
    )
    axes.set_yticks(range(len(rows)), [f"{row['name']}, {row['precision']}" for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("battles a second")


def _draw_lines(axes: Axes, rows: list[dict], rate: str) -> None:
    for name in dict.fromkeys(row["name"] for row in rows):
        points = [(row["seq_len"], 1 / row[rate]) for row in rows if row["name"] == name]
        axes.loglog(*zip(*points, strict=True), marker="o", color=COLOURS[name], label=name)
    ticks = sorted({row["seq_len"] for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("tokens a sequence")
    axes.set_ylabel("seconds a battle")
    axes.legend()


def _read(path: Path) -> list[dict]:
    return json.loads(path.read_text()) if path.exists() else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the results of a benchmark.")
    parser.add_argument("stem", type=Path)
    stem = parser.parse_args().stem
    # A fixed salt, so that the same results give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    figure = draw(_read(stem.with_suffix(".json")), _read(Path(f"{stem}-lengths.json")))
    with writing_file(stem.with_suffix(".svg")) as new:
        figure.savefig(new, metadata={"Date": None})
