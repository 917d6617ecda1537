"""Is a difference of log loss significant? The judgement in words.

A difference is significant where its p-value, adjusted for the number of comparisons (Holm), is
below `SIGNIFICANCE_LEVEL`. That a difference is not significant does not show that the two models
are equally good. A significant difference that is smaller than `evaluation.smallest_difference` is
called neither better nor worse. Nothing is tested on battles in too few groups, or where the noise
of training is unknown.
"""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import p_value, signed, signed_interval
from preference.statistics.paired_tests import SIGNIFICANCE_LEVEL

# The fields of `preference.statistics.paired_tests.Difference`, as metrics files hold them, and
# whether the difference is large enough to matter.
Difference = Mapping[str, Any]


def is_tested(difference: Difference) -> bool:
    """Return whether the difference was tested."""
    return difference["p_holm"] is not None


def is_same(difference: Difference) -> bool:
    """Return whether the two models have the same log loss on every battle."""
    return difference["low"] is None and difference["p_holm"] == 1


def is_significant(difference: Difference) -> bool:
    """Return whether the difference is significant after adjustment for several comparisons."""
    return is_tested(difference) and difference["p_holm"] < SIGNIFICANCE_LEVEL


def is_better(difference: Difference) -> bool:
    """Return whether the first of the two models is significantly better, by what matters."""
    return is_significant(difference) and difference["matters"] and difference["value"] < 0


def is_worse(difference: Difference) -> bool:
    """Return whether the first of the two models is significantly worse, by what matters."""
    return is_significant(difference) and difference["matters"] and difference["value"] > 0


def describe(difference: Difference) -> str:
    """Return the difference with its interval and p-value."""
    if is_same(difference):
        return "the same log loss on every battle"
    bounds = f"{signed(difference['value'])} {signed_interval(difference)} log loss"
    if not is_tested(difference):
        return f"{bounds}, not tested"
    return f"{bounds}, Holm-adjusted p\u00a0{p_value(difference['p_holm'])}"


def why_untested(difference: Difference) -> str:
    """Return why a difference was not tested."""
    if difference["standard_error"] is None:
        return "there are too few battles"
    return "the noise of training is unknown"


def compare(difference: Difference) -> str:
    """Return the judgement of a difference, to follow the name of the other model."""
    if not is_tested(difference):
        return f"not judged, because {why_untested(difference)} ({describe(difference)})"
    if is_same(difference):
        return describe(difference)
    if not is_significant(difference):
        return f"not significant ({describe(difference)})"
    if not difference["matters"]:
        return f"too small to matter ({describe(difference)})"
    sign = "better" if difference["value"] < 0 else "worse"
    return f"significantly {sign} ({describe(difference)})"
