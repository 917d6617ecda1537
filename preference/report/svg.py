"""Altair charts as inline SVG, each drawn for a light and for a dark page.

The SVG has no ids, scripts or addresses to load, so that one page can hold many of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import altair as alt
import vl_convert

# A phone shows one chart, or two small ones side by side, without scrolling.
WIDTH, SMALL_WIDTH = 360, 172
# Labels are wider in a browser that has none of the fonts below.
MARGIN, WIDE_MARGINS = 4, {"left": 18, "right": 10}
TICKS = {"labelFlush": False, "labelSeparation": 8}
LEGEND = {"columns": 4, "columnPadding": 12}
# The converter measures text with the first font; the others have the same widths.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

# Layers of marks. Altair declares the second type for what its method `encode` and others return.
Plot = alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Theme:
    """The colours of a chart. Those in `series` are for experiments, in their order, and repeat."""

    text: str
    grid: str
    experiment: str
    reference: str
    oracle: str
    series: tuple[str, ...]
    cell_low: str
    cell_high: str


LIGHT = Theme(
    text="#24292f",
    grid="#dfe3e8",
    experiment="#0b63b0",
    reference="#6b7280",
    oracle="#0a7d55",
    series=("#0b63b0", "#c2410c", "#0a7d55", "#a21caf", "#7a5c00", "#57534e"),
    cell_low="#f3f6fa",
    cell_high="#6aa5e0",
)
DARK = Theme(
    text="#e3e7ec",
    grid="#3a424d",
    experiment="#6cb6ff",
    reference="#a3acb8",
    oracle="#4fd1a5",
    series=("#6cb6ff", "#ff9f5a", "#4fd1a5", "#e879f9", "#f2cc60", "#c8c2bb"),
    cell_low="#1c232c",
    cell_high="#1f5f99",
)


@dataclass(frozen=True)
class Chart:
    """A chart as SVG for light and dark pages; the description is for those who cannot see it."""

    title: str
    description: str
    light: str
    dark: str


def draw(title: str, description: str, build: Callable[[Theme], Plot]) -> Chart:
    """Draw the plot that `build` returns, once for each theme."""
    return Chart(title, description, _to_svg(build(LIGHT), LIGHT), _to_svg(build(DARK), DARK))


def sized(plot: Plot, width: int, height: int) -> Plot:
    """Fit the whole plot, with its axes and legends, into `width` x `height` pixels."""
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    margins = dict.fromkeys(("left", "right", "top", "bottom"), MARGIN)
    if width == WIDTH:
        margins |= WIDE_MARGINS
    return plot.properties(width=width, height=height, autosize=fit, padding=margins)


def _to_svg(plot: Plot, theme: Theme) -> str:
    specification = {**plot.to_dict(), "config": _config(theme)}
    return vl_convert.vegalite_to_svg(specification, vl_version="6.4", allowed_base_urls=[])


def _config(theme: Theme) -> Mapping[str, object]:
    title = {"titleColor": theme.text, "titleFontWeight": "normal", "titleFontSize": 12}
    label = {"labelColor": theme.text, "labelFontSize": 11}
    lines = {"gridColor": theme.grid, "domainColor": theme.grid, "tickColor": theme.grid}
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {**title, **label, **lines, "labelLimit": 100, **TICKS},
        "axisX": {"tickCount": 5},
        "legend": {**label, "orient": "top", "title": None, "labelLimit": 90, **LEGEND},
        # The page describes each chart, so that labels of single marks would only repeat it.
        "aria": False,
    }
