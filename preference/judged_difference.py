"""Is a difference of log loss real? The judgement in words.

A difference is called real where its p-value, corrected for the comparisons that it was made
beside (Holm), is below `REAL`. Otherwise these battles cannot tell the two models apart, which is
not the same as that they are equally good.
"""

from collections.abc import Mapping

from preference.wording import p_value, signed, signed_interval

REAL = 0.05

Difference = Mapping[str, float]


def is_real(difference: Difference) -> bool:
    """Say whether the difference is more than chance explains, after correction."""
    return difference["p_holm"] < REAL


def is_better(difference: Difference) -> bool:
    """Say whether the first of the two models is really better."""
    return is_real(difference) and difference["value"] < 0


def describe(difference: Difference) -> str:
    """Return the difference with its interval and p-value."""
    return (
        f"{signed(difference['value'])} {signed_interval(difference)} log loss, "
        f"Holm-corrected p\u00a0{p_value(difference['p_holm'])}"
    )


def compare(difference: Difference) -> str:
    """Return the judgement of a difference, as it follows the name of the other model."""
    if not is_real(difference):
        return f"these battles cannot tell the two apart ({describe(difference)})"
    sign = "better" if difference["value"] < 0 else "worse"
    return f"{sign}, and the difference is real ({describe(difference)})"
