"""Charts of metrics with their 95 % intervals: a dot and a bar for each model."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from preference.rendering.numbers import (
    interval,
    number,
    signed,
    signed_interval,
    with_interval,
)
from preference.report.best_experiment import best_experiment
from preference.report.oracle_verdict import ORACLE
from preference.report.svg import WIDTH, Chart, Plot, Theme, draw, sized

ROW_HEIGHT, AXIS_HEIGHT, LEGEND_HEIGHT = 24, 44, 24

Details = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def log_loss_chart(details: Details) -> Chart:
    """Draw the log loss of all models, the best on top."""
    models = details["models"]
    ranked = sorted(models, key=lambda name: models[name]["log_loss"]["value"])
    rows = [_row(name, kind_of(name, details), models[name]["log_loss"]) for name in ranked]
    texts = [f"{name} {with_interval(models[name]['log_loss'])}" for name in ranked]
    return draw(
        "Log loss on test, lower is better",
        f"Log loss with 95 % interval: {'; '.join(texts)}.",
        lambda theme: _dots_and_bars(rows, theme, "log loss (nats)"),
    )


def difference_charts(details: Details) -> list[Chart]:
    """Draw the paired differences of the experiments to the baseline and to the best reference."""
    others = {"baseline": details["baseline"], "reference": details["best_reference"]}
    return [
        _difference_chart(other, details["differences"][kind])
        for kind, other in others.items()
        if details["differences"][kind]
    ]


def slice_charts(details: Details) -> list[Chart]:
    """Draw the log loss of the best experiment and the best reference on all slices.

    All charts have the scale that fits the slices with enough battles; intervals of others may be
    clipped.
    """
    shown = [best_experiment(details), details["best_reference"]]
    names = dict.fromkeys(part["slice"] for part in details["slices"])
    scale = _common_scale(details["slices"], shown)
    return [
        _slice_chart(
            name, [part for part in details["slices"] if part["slice"] == name], shown, scale
        )
        for name in names
    ]


def kind_of(name: str, details: Details) -> str:
    """Return the kind of a model as legends and tables show it."""
    if name == ORACLE:
        return "truth"
    return "experiment" if name in details["experiments"] else "reference"


def _difference_chart(other: str, differences: Mapping[str, Any]) -> Chart:
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


def _dots_and_bars(rows: Rows, theme: Theme, title: str, zero: bool = False) -> Plot:
    kinds = {"experiment": theme.experiment, "reference": theme.reference, "truth": theme.oracle}
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
    plot = _marks(base, shape, title, alt.Scale(zero=zero, nice=True))
    if zero:
        plot = _with_zero(plot, theme)
    height = ROW_HEIGHT * len(rows) + AXIS_HEIGHT + (LEGEND_HEIGHT if legend else 0)
    return sized(plot, WIDTH, height)


def _marks(base: alt.Chart, shape: alt.Shape, title: str, scale: alt.Scale) -> Plot:
    low = alt.X("low:Q", scale=scale, title=title)
    bars = base.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x="value:Q", shape=shape)
    return alt.layer(bars, dots)


def _with_zero(plot: Plot, theme: Theme) -> Plot:
    line = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=theme.text, strokeDash=[3, 3])
    return alt.layer(line.encode(x="zero:Q"), plot)


def _slice_chart(name: str, parts: Rows, shown: list[str], scale: alt.Scale) -> Chart:
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


def _grouped_dots(rows: Rows, shown: list[str], theme: Theme, scale: alt.Scale) -> Plot:
    colours = [theme.experiment, theme.reference]
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
