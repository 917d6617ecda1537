"""Is a difference of log loss real? The judgement in words.

A difference is called real where its p-value, corrected for the comparisons that it was made
beside (Holm), is below `REAL`. Otherwise these battles cannot tell the two models apart, which is
not the same as that they are equally good. Battles in too few groups for a test judge nothing.
"""

from collections.abc import Mapping

from preference.rendering.numbers import p_value, signed, signed_interval

REAL = 0.05

Difference = Mapping[str, float | None]


def is_tested(difference: Difference) -> bool:
    """Say whether there were enough groups of battles for a test."""
    return difference["p_holm"] is not None


def is_same(difference: Difference) -> bool:
    """Say whether the two models have the same log loss on every battle."""
    return difference["low"] is None and difference["p_holm"] == 1


def is_real(difference: Difference) -> bool:
    """Say whether the difference is more than chance explains, after correction."""
    return is_tested(difference) and difference["p_holm"] < REAL


def is_better(difference: Difference) -> bool:
    """Say whether the first of the two models is really better."""
    return is_real(difference) and difference["value"] < 0


def describe(difference: Difference) -> str:
    """Return the difference with its interval and p-value."""
    if is_same(difference):
        return "the same log loss on every battle"
    bounds = f"{signed(difference['value'])} {signed_interval(difference)} log loss"
    if not is_tested(difference):
        return f"{bounds}, not tested"
    return f"{bounds}, Holm-corrected p\u00a0{p_value(difference['p_holm'])}"


def compare(difference: Difference) -> str:
    """Return the judgement of a difference, as it follows the name of the other model."""
    if not is_tested(difference):
        return f"not judged, for want of battles ({describe(difference)})"
    if is_same(difference):
        return describe(difference)
    if not is_real(difference):
        return f"these battles cannot tell the two apart ({describe(difference)})"
    sign = "better" if difference["value"] < 0 else "worse"
    return f"{sign}, and the difference is real ({describe(difference)})"
