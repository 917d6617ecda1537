"""The verdict on a change, as Markdown: one line, its explanation, and a table."""

from collections.abc import Iterable

from checks.review.changes import UNKNOWN, WITHIN_NOISE, Change
from checks.review.comparison import Comparison
from checks.review.markdown import table
from preference.rendering.markdown_text import code
from preference.rendering.numbers import join, number, signed


def judge_change(comparison: Comparison) -> str:
    """Return in one line whether any change is larger than its noise."""
    if not comparison.is_possible:
        return "The change cannot be judged: the test battles are not the same."
    if not comparison.changes:
        return _describe_unchanged(comparison)
    return " ".join([_judge_changes(comparison), *_describe_added(comparison)])


def _judge_changes(comparison: Comparison) -> str:
    judged = [
        f"{code(name)} is {change.verdict}"
        for name, change in comparison.changes.items()
        if change.is_larger_than_noise
    ]
    if judged:
        return f"Larger than noise: {join(judged)}."
    if all(change.noise is None for change in comparison.changes.values()):
        return "Test log losses changed; whether by more than their noise is unknown."
    return "No change of test log loss is known to be larger than its noise."


def _describe_unchanged(comparison: Comparison) -> str:
    parts = _describe_added(comparison)
    if comparison.removed:
        parts.append(f"Gone is {_names(comparison.removed)}.")
    if not parts:
        return "No test log loss changed: every model has the same one in both versions."
    return " ".join([*parts, "All models that both versions have have the same test log loss."])


def _describe_added(comparison: Comparison) -> list[str]:
    added = comparison.added.items()
    new = [f"{code(name)} (test log loss {number(loss)})" for name, loss in added]
    return [f"New is {join(new)}."] if new else []


def explain(comparison: Comparison, base: str, here: str = "here") -> list[str]:
    """Return how the verdict was reached, and the models that it does not mention.

    Args:
        comparison: of two versions.
        base: the Markdown of the old version's name.
        here: the Markdown of the place that has the new version.
    """
    verdicts = {name: change.verdict for name, change in comparison.changes.items()}
    groups = {
        "Within noise, which is not the same as no change": [
            name for name, verdict in verdicts.items() if verdict == WITHIN_NOISE
        ],
        "Noise unknown": [name for name, verdict in verdicts.items() if verdict == UNKNOWN],
        "The same in both versions": comparison.same,
        f"Only {here}": comparison.added,
        f"Only in {base}": comparison.removed,
    }
    listed = [f"{title}: {_names(names)}." for title, names in groups.items() if names]
    return [*listed, *comparison.basis]


def change_table(comparison: Comparison, base: str, here: str = "here") -> str:
    """Return the models that changed; `base` and `here` are the Markdown of headings."""
    rows = [
        [
            code(name),
            number(change.old),
            number(change.new),
            _describe(change),
            f"**{change.verdict}**" if change.is_larger_than_noise else change.verdict,
        ]
        for name, change in comparison.changes.items()
    ]
    return table(["model", base, here, "change", "verdict"], rows)


def _describe(change: Change) -> str:
    value = signed(change.new - change.old)
    return value if change.noise is None else f"{value} ± {number(change.noise)}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in names)
