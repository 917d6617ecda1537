"""Small charts of the report, one a model: reliability diagrams and confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from preference.battles import LABELS
from preference.pictures import PANEL_WIDTH, Picture, Theme, draw, sized
from preference.wording import interval, number, percent

Details = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def reliability_pictures(details: Details) -> list[Picture]:
    """Show accuracy against confidence, of each arm and of the best reference."""
    return [
        _reliability_picture(name, details["models"][name]["calibration"]["reliability"])
        for name in dict.fromkeys([*details["arms"], details["best_reference"]])
    ]


def confusion_pictures(details: Details) -> list[Picture]:
    """Show what each arm predicts for the battles of each actual label."""
    return [
        _confusion_picture(name, details["models"][name]["confusion"]) for name in details["arms"]
    ]


def _reliability_picture(name: str, bins: Rows) -> Picture:
    texts = [
        f"at {number(each['confidence'], 2)} right {number(each['accuracy'], 2)} "
        f"{interval(each, 2)}"
        for each in bins
    ]
    return draw(
        name,
        f"Reliability of {name}, confidence and share that was right: {'; '.join(texts)}.",
        lambda theme: _reliability_chart(bins, theme),
    )


def _reliability_chart(bins: Rows, theme: Theme) -> alt.LayerChart:
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
    bars = base.mark_rule(color=theme.arm, strokeWidth=1.5).encode(
        y=alt.Y("low:Q", scale=scale, axis=axis, title="share that was right"), y2="high:Q"
    )
    dots = base.mark_point(color=theme.arm, filled=True, size=26, opacity=1).encode(y="accuracy:Q")
    return sized(alt.layer(diagonal, bars, dots), PANEL_WIDTH, PANEL_WIDTH)


def _confusion_picture(name: str, counts: Sequence[Sequence[float]]) -> Picture:
    cells = [
        {"actual": actual, "predicted": predicted, "share": _share(count, row), "rows": count}
        for actual, row in zip(LABELS, counts, strict=True)
        for predicted, count in zip(LABELS, row, strict=True)
    ]
    texts = [
        f"actual {cell['actual']}, predicted {cell['predicted']}: {percent(cell['share'])} "
        f"({number(cell['rows'], 0)})"
        for cell in cells
    ]
    return draw(
        name,
        f"Confusion of {name}: {'; '.join(texts)}.",
        lambda theme: _confusion_chart(cells, theme),
    )


def _share(count: float, row: Sequence[float]) -> float:
    return count / sum(row) if sum(row) else 0.0


def _confusion_chart(cells: Rows, theme: Theme) -> alt.LayerChart:
    texts = [{**cell, "text": percent(cell["share"])} for cell in cells]
    base = alt.Chart(alt.Data(values=texts)).encode(
        x=alt.X("predicted:N", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("actual:N", sort=None),
    )
    colours = alt.Scale(domain=[0, 1], range=[theme.cell_low, theme.cell_high])
    squares = base.mark_rect().encode(color=alt.Color("share:Q", scale=colours, legend=None))
    numbers = base.mark_text(fontSize=12, color=theme.text).encode(text="text:N")
    return sized(alt.layer(squares, numbers), PANEL_WIDTH, PANEL_WIDTH - 20)
