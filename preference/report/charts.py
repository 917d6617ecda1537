"""Dot-and-bar charts of the report: a figure and its 95 % interval for each model."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from preference.battles.table import LABELS
from preference.rendering.numbers import (
    interval,
    number,
    percent,
    signed,
    signed_interval,
    with_interval,
)
from preference.report.oracle_verdict import ORACLE
from preference.report.svg import PANEL_WIDTH, WIDTH, Picture, Theme, draw, sized
from preference.report.verdict import best_arm

ROW_HEIGHT, AXIS_HEIGHT, LEGEND_HEIGHT = 24, 44, 24

Details = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def log_loss_picture(details: Details) -> Picture:
    """Show the log loss of every model, the best on top."""
    models = details["models"]
    ranked = sorted(models, key=lambda name: models[name]["log_loss"]["value"])
    rows = [_row(name, kind_of(name, details), models[name]["log_loss"]) for name in ranked]
    texts = [f"{name} {with_interval(models[name]['log_loss'])}" for name in ranked]
    return draw(
        "Log loss on test, lower is better",
        f"Log loss with 95 % interval: {'; '.join(texts)}.",
        lambda theme: _dots_and_bars(rows, theme, "log loss (nats)"),
    )


def difference_pictures(details: Details) -> list[Picture]:
    """Show each arm's paired difference to the baseline, and to the best reference."""
    others = {"baseline": details["baseline"], "reference": details["best_reference"]}
    return [
        _difference_picture(other, details["differences"][kind])
        for kind, other in others.items()
        if details["differences"][kind]
    ]


def slice_pictures(details: Details) -> list[Picture]:
    """Show the best arm and the best reference on the parts of each division of the battles.

    All have one scale, that of the parts with enough battles; longer intervals are cut at its end.
    """
    shown = [best_arm(details), details["best_reference"]]
    names = dict.fromkeys(part["slice"] for part in details["slices"])
    scale = _common_scale(details["slices"], shown)
    return [
        _slice_picture(
            name, [part for part in details["slices"] if part["slice"] == name], shown, scale
        )
        for name in names
    ]


def kind_of(name: str, details: Details) -> str:
    """Name the kind of a model as legends and tables do."""
    if name == ORACLE:
        return "truth"
    return "experiment" if name in details["arms"] else "reference"


def _difference_picture(other: str, differences: Mapping[str, Any]) -> Picture:
    rows = [_row(name, "experiment", difference) for name, difference in differences.items()]
    texts = [
        f"{name} {signed(difference['value'])} {signed_interval(difference)}"
        for name, difference in differences.items()
    ]
    return draw(
        f"Difference to {other}, left of zero is better",
        f"Paired difference of log loss to {other} with 95 % interval: {'; '.join(texts)}.",
        lambda theme: _dots_and_bars(rows, theme, "difference of log loss (nats)", zero=True),
    )


def _dots_and_bars(rows: Rows, theme: Theme, title: str, zero: bool = False) -> alt.LayerChart:
    kinds = {"experiment": theme.arm, "reference": theme.reference, "truth": theme.oracle}
    present = [kind for kind in kinds if any(row["kind"] == kind for row in rows)]
    legend = alt.Legend() if len(present) > 1 else None
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("label:N", sort=None, title=None),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=present, range=[kinds[kind] for kind in present]),
            legend=legend,
        ),
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=present), legend=legend)
    chart = _marks(base, shape, title, alt.Scale(zero=zero, nice=True))
    if zero:
        chart = _with_zero(chart, theme)
    height = ROW_HEIGHT * len(rows) + AXIS_HEIGHT + (LEGEND_HEIGHT if legend else 0)
    return sized(chart, WIDTH, height)


def _marks(base: alt.Chart, shape: alt.Shape, title: str, scale: alt.Scale) -> alt.LayerChart:
    low = alt.X("low:Q", scale=scale, title=title)
    bars = base.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x="value:Q", shape=shape)
    return alt.layer(bars, dots)


def _with_zero(chart: alt.LayerChart, theme: Theme) -> alt.LayerChart:
    line = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=theme.text, strokeDash=[3, 3])
    return alt.layer(line.encode(x="zero:Q"), chart)


def _slice_picture(name: str, parts: Rows, shown: list[str], scale: alt.Scale) -> Picture:
    rows = [
        _row(_part_label(part), model, part["models"][model]["log_loss"])
        for part in parts
        for model in shown
    ]
    texts = [
        f"{row['label']}: {row['kind']} {number(row['value'])} {interval(row)}" for row in rows
    ]
    return draw(
        name,
        f"Log loss by {name}, with 95 % interval: {'; '.join(texts)}.",
        lambda theme: _grouped_dots(rows, shown, theme, scale),
    )


def _grouped_dots(rows: Rows, shown: list[str], theme: Theme, scale: alt.Scale) -> alt.LayerChart:
    colours = [theme.arm, theme.reference]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("label:N", sort=None, title=None),
        yOffset=alt.YOffset("kind:N", sort=None),
        color=alt.Color("kind:N", scale=alt.Scale(domain=shown, range=colours)),
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=shown))
    height = ROW_HEIGHT * len(rows) + AXIS_HEIGHT + LEGEND_HEIGHT
    return sized(_marks(base, shape, "log loss (nats)", scale), WIDTH, height)


def _part_label(part: Mapping[str, Any]) -> str:
    return f"{part['part']} ({part['rows']:,}{', too few' if part['few'] else ''})"


def _common_scale(parts: Rows, shown: list[str]) -> alt.Scale:
    enough = [part for part in parts if not part["few"]] or parts
    bounds = [part["models"][model]["log_loss"] for part in enough for model in shown]
    ends = [each[end] for each in bounds for end in ("value", "low", "high")]
    known = [end for end in ends if end is not None]
    domain = [min(known), max(known)]
    return alt.Scale(domain=domain, nice=True, zero=False, clamp=True)


def _row(label: str, kind: str, estimate: Mapping[str, float | None]) -> dict[str, Any]:
    bounds = {bound: estimate[bound] for bound in ("value", "low", "high")}
    return {"label": label, "kind": kind, **bounds}


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
