"""Charts of single models: reliability diagrams and confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from preference.battles.table import LABELS
from preference.rendering.numbers import interval, number, percent
from preference.report.svg import SMALL_WIDTH, Chart, Plot, Theme, draw, sized

Details = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def reliability_charts(details: Details) -> list[Chart]:
    """Draw accuracy against confidence, for each experiment and the best reference."""
    return [
        _reliability_chart(name, details["models"][name]["calibration"]["reliability"])
        for name in dict.fromkeys([*details["experiments"], details["best_reference"]])
    ]


def confusion_charts(details: Details) -> list[Chart]:
    """Draw the predictions of each experiment for the battles of each actual label."""
    return [
        _confusion_chart(name, details["models"][name]["confusion"])
        for name in details["experiments"]
    ]


def _reliability_chart(name: str, bins: Rows) -> Chart:
    texts = [
        f"at {number(each['confidence'], 2)} right {number(each['accuracy'], 2)} "
        f"{interval(each, 2)}"
        for each in bins
    ]
    return draw(
        name,
        f"Reliability of {name}, confidence and accuracy: {'; '.join(texts)}.",
        lambda theme: _plot_reliability(bins, theme),
    )


def _plot_reliability(bins: Rows, theme: Theme) -> Plot:
    scale, ends = alt.Scale(domain=[0, 1]), [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    axis = alt.Axis(values=[0, 0.5, 1])
    diagonal = (
        alt.Chart(alt.Data(values=ends))
        .mark_line(color=theme.reference, strokeDash=[3, 3], strokeWidth=1)
        .encode(x=alt.X("x:Q", scale=scale), y=alt.Y("y:Q", scale=scale))
    )
    base = alt.Chart(alt.Data(values=bins)).encode(
        x=alt.X("confidence:Q", scale=scale, axis=axis, title="confidence")
    )
    bars = base.mark_rule(color=theme.experiment, strokeWidth=1.5).encode(
        y=alt.Y("low:Q", scale=scale, axis=axis, title="accuracy"), y2="high:Q"
    )
    dots = base.mark_point(color=theme.experiment, filled=True, size=26, opacity=1).encode(
        y="accuracy:Q"
    )
    return sized(alt.layer(diagonal, bars, dots), SMALL_WIDTH, SMALL_WIDTH)


def _confusion_chart(name: str, counts: Sequence[Sequence[float]]) -> Chart:
    cells: list[dict[str, Any]] = [
        {"actual": actual, "predicted": predicted, "fraction": _fraction(count, row), "rows": count}
        for actual, row in zip(LABELS, counts, strict=True)
        for predicted, count in zip(LABELS, row, strict=True)
    ]
    texts = [
        f"actual {cell['actual']}, predicted {cell['predicted']}: {percent(cell['fraction'])} "
        f"({number(cell['rows'], 0)})"
        for cell in cells
    ]
    return draw(
        name,
        f"Confusion of {name}: {'; '.join(texts)}.",
        lambda theme: _plot_confusion(cells, theme),
    )


def _fraction(count: float, row: Sequence[float]) -> float:
    return count / sum(row) if sum(row) else 0.0


def _plot_confusion(cells: Rows, theme: Theme) -> Plot:
    texts = [{**cell, "text": percent(cell["fraction"])} for cell in cells]
    base = alt.Chart(alt.Data(values=texts)).encode(
        x=alt.X("predicted:N", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("actual:N", sort=None),
    )
    colours = alt.Scale(domain=[0, 1], range=[theme.cell_low, theme.cell_high])
    squares = base.mark_rect().encode(color=alt.Color("fraction:Q", scale=colours, legend=None))
    numbers = base.mark_text(fontSize=12, color=theme.text).encode(text="text:N")
    return sized(alt.layer(squares, numbers), SMALL_WIDTH, SMALL_WIDTH - 20)
