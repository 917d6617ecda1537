import re
from xml.etree import ElementTree

import numpy as np
import pytest
from evaluation_example import example_details, without_intervals
from hypothesis import given
from hypothesis import strategies as st

from preference.report.interval_charts import log_loss_chart
from preference.report.learning_curves import MOST_POINTS, average_points
from preference.report.model_charts import confusion_charts, reliability_charts
from preference.report.render import TEMPLATES
from preference.report.svg import DARK, LIGHT

EXPERIMENTS = ("baseline", "exp1")


def luminance(colour):
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(first, second):
    dark, light = sorted([luminance(first), luminance(second)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "place"), [(LIGHT, 0), (DARK, 1)])
def test_colours_can_be_told_from_the_page(theme, place):
    style = (TEMPLATES / "report.css").read_text()
    colours = {
        name: re.findall(rf"--{name}: (#\w+)", style)[place]
        for name in ("page", "text", "muted", "panel", "link", "warning", "warning-panel")
    }
    for text in ("text", "muted", "link"):
        assert contrast(colours[text], colours["page"]) > 4.5
    assert contrast(colours["muted"], colours["panel"]) > 4.5
    assert contrast(colours["warning"], colours["warning-panel"]) > 4.5
    for cell in (colours["page"], theme.cell_low, theme.cell_high):
        assert contrast(theme.text, cell) > 4.5
    for mark in (theme.experiment, theme.reference, theme.oracle, *theme.series):
        assert contrast(mark, colours["page"]) > 3


def positions(svg, role):
    """Places of a chart's marks, [n, 2], from the SVG itself."""
    name = "{http://www.w3.org/2000/svg}path"
    groups = [each for each in ElementTree.fromstring(svg).iter() if role in each.get("class", "")]
    places = [path.get("transform") for group in groups for path in group.iter(name)]
    return np.array([[float(each) for each in coordinates_in(place)] for place in places])


def coordinates_in(place):
    return re.fullmatch(r"translate\((.+),(.+)\)", place).groups()


def is_on_a_line(values, places):
    slope, intercept = np.polyfit(values, places, 1)
    return np.allclose(slope * np.array(values) + intercept, places, atol=1e-6)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dots_stand_where_the_figures_are(scheme):
    details = example_details(EXPERIMENTS)
    log_losses = sorted(model["log_loss"]["value"] for model in details["models"].values())
    places = positions(getattr(log_loss_chart(details), scheme), "mark-symbol role-mark")
    assert is_on_a_line(log_losses, places[:, 0])
    assert np.all(np.diff(places, axis=0) > 0)
    bins = details["models"]["baseline"]["calibration"]["reliability"]
    svg = getattr(reliability_charts(details)[0], scheme)
    places = positions(svg, "mark-symbol role-mark")
    assert is_on_a_line([each["confidence"] for each in bins], places[:, 0])
    assert is_on_a_line([each["accuracy"] for each in bins], places[:, 1])


def test_confusion_is_of_the_actual_label():
    details = example_details(("baseline",))
    details["models"]["baseline"]["confusion"] = [[3.0, 1.0, 0.0], [0.0, 5.0, 0.0], [0.0] * 3]
    description = confusion_charts(details)[0].description.replace("\u00a0", " ")
    assert "actual A, predicted A: 75 % (3)" in description
    assert "actual A, predicted B: 25 % (1)" in description
    assert "actual B, predicted B: 100 % (5)" in description
    assert "actual tie, predicted A: 0 % (0)" in description


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_averaging_keeps_the_mean_and_the_last_step(losses):
    curve = list(enumerate(losses))
    points = average_points(curve)
    assert len(points) <= MOST_POINTS
    assert points[-1][0] == curve[-1][0]
    steps = np.array([-1, *(step for step, _ in points)])
    weighted = np.average([loss for _, loss in points], weights=np.diff(steps))
    assert weighted == pytest.approx(np.mean(losses), abs=1e-9)


def test_no_points_make_no_points():
    assert average_points([]) == []


def test_a_figure_without_an_interval_is_a_dot_without_a_bar():
    details = example_details(EXPERIMENTS)
    whole = log_loss_chart(details)
    details["models"]["exp1"] = without_intervals(details["models"]["exp1"])
    partly = log_loss_chart(details)
    for chart, bars in ((whole, 6), (partly, 5)):
        assert len(_bars(chart)) == bars
    assert "exp1 0.9433 (no interval)" in partly.description
    (reliability,) = reliability_charts(
        {**details, "experiments": ["exp1"], "best_reference": "exp1"}
    )
    assert _bars(reliability) == []


def _bars(chart):
    """The lines of the layer with the intervals."""
    root = ElementTree.fromstring(chart.light)
    groups = [each for each in root.iter() if "mark-rule role-mark" in each.get("class", "")]
    return [line for group in groups for line in group if line.tag.endswith("line")]
