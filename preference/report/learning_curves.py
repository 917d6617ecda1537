"""Learning curves: log loss of each experiment against the optimizer step."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt

from preference.rendering.numbers import number
from preference.report.svg import WIDTH, Chart, Plot, Theme, draw, sized
from preference.runtime.atomic_write import write_text

# The loss of single batches is noisy, and a long training run has thousands of them.
MOST_POINTS = 40
HEIGHT = 240
# The most characters of a name that fits four times into a row of the legend.
SHORT_NAME = 8
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])

# Pairs of optimizer step and log loss.
Curve = Sequence[tuple[int, float]]


def read_curve(path: Path) -> Curve:
    """Return the (step, log loss) rows of a DVCLive plot."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [(int(row["step"]), float(row["log_loss"])) for row in rows]


def write_curves(curves: Mapping[str, Curve], path: Path) -> None:
    """Write the curves of all experiments as one CSV: `model`, `step` and `log_loss`."""
    lines = ["model,step,log_loss"]
    for name, curve in curves.items():
        lines += [f"{name},{step},{log_loss}" for step, log_loss in curve]
    write_text("\n".join(lines) + "\n", path)


def learning_curve_chart(title: str, curves: Mapping[str, Curve], dots: bool) -> Chart:
    """Draw the curves of all experiments, each averaged to at most `MOST_POINTS` points.

    Args:
        title: of the chart.
        curves: by experiment.
        dots: whether each point has a dot.
    """
    texts = [f"{name} {_describe(curve)}" for name, curve in curves.items() if curve]
    rows = [
        {"experiment": name, "step": step, "log_loss": log_loss}
        for name, curve in curves.items()
        for step, log_loss in average_points(curve)
    ]
    return draw(
        title,
        f"{title}, first and last: {'; '.join(texts)}.",
        lambda theme: _plot(rows, list(curves), dots, theme),
    )


def average_points(curve: Curve) -> Curve:
    """Return at most `MOST_POINTS` means of neighbours, each at the last of their steps."""
    size = max(-(-len(curve) // MOST_POINTS), 1)
    chunks = [curve[start : start + size] for start in range(0, len(curve), size)]
    return [(chunk[-1][0], sum(loss for _, loss in chunk) / len(chunk)) for chunk in chunks]


def _columns(names: list[str]) -> int:
    """Return the number of columns of the legend."""
    return 2 if max(map(len, names)) > SHORT_NAME else 4


def _describe(curve: Curve) -> str:
    (first, high), (last, low) = curve[0], curve[-1]
    return f"{number(high)} at step {first:,}, {number(low)} at step {last:,}"


def _plot(rows: Sequence[Mapping[str, object]], names: list[str], dots: bool, theme: Theme) -> Plot:
    colours = [theme.series[number % len(theme.series)] for number in range(len(names))]
    dashes = [list(DASHES[number % len(DASHES)]) for number in range(len(names))]
    legend = alt.Legend(symbolType="stroke", symbolSize=300, columns=_columns(names))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("step:Q", title="optimizer step"),
        y=alt.Y("log_loss:Q", title="log loss (nats)", scale=alt.Scale(zero=False)),
        color=alt.Color(
            "experiment:N", scale=alt.Scale(domain=names, range=colours), legend=legend
        ),
    )
    dashed = alt.StrokeDash(
        "experiment:N", scale=alt.Scale(domain=names, range=dashes), legend=legend
    )
    lines = base.mark_line(strokeWidth=1.8).encode(strokeDash=dashed)
    points = [base.mark_point(filled=True, size=30, opacity=1)] if dots else []
    return sized(alt.layer(lines, *points), WIDTH, HEIGHT)
