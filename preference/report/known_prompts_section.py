"""How good the models are on test battles with known prompts, and on the others."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, signed, signed_interval
from preference.rendering.tables import Cell, Table, estimate_cell
from preference.report.significance import is_significant, is_tested

METRICS = ("log_loss", "accuracy", "f1_macro", "flip_rate", "swap_difference")
HEADER = ("model", "prompt", "log loss", "accuracy", "macro F1", "flip rate", "mean change")


def describe_known_prompts(details: Mapping[str, Any]) -> list[Sentence]:
    """Report how many prompts are known, and whether the experiments are better on them.

    Args:
        details: the content of `metrics/evaluation_details.json`.

    Returns:
        The sentences; none where `evaluation.known_prompts` is empty.
    """
    known = details["known_prompts"]
    if known is None:
        return []
    count = f"{known['rows']:,} of {details['rows']:,} test battles have a prompt of "
    count += "evaluation.known_prompts"
    if not known["parts"]:
        return [Sentence(f"{count}, so that there is nothing to compare.")]
    listed = [
        f"{name} {signed(gain['value'])} {signed_interval(gain)}"
        for name, gain in known["gains"].items()
    ]
    return [
        Sentence(f"{count}: the models' first weights may have seen these battles."),
        Sentence(
            f"Difference of log loss to {known['reference']} on them minus that on the other "
            f"battles, where less is better on known prompts: {', '.join(listed)}."
        ),
        _judge(known["gains"], known["parts"]),
    ]


def _judge(gains: Mapping[str, Mapping[str, Any]], parts: Mapping[str, Any]) -> Sentence:
    if not any(map(is_tested, gains.values())):
        return Sentence(f"None of these was tested: {_why_untested(parts)}.")
    found = [name for name, gain in gains.items() if is_significant(gain)]
    if not found:
        return Sentence("None is significant (Holm-adjusted), which does not show that all are 0.")
    return Sentence(f"Significant (Holm-adjusted): {', '.join(found)}.", warning=True)


def _why_untested(parts: Mapping[str, Any]) -> str:
    few = [
        f"with {name} prompts, {part['too_few_groups']}"
        for name, part in parts.items()
        if part["too_few_groups"]
    ]
    return "; ".join(few) or "the noise of training is unknown"


def known_prompts_table(details: Mapping[str, Any]) -> Table | None:
    """Return all metrics of all models on both parts, or None where there are no two parts."""
    known = details["known_prompts"]
    if not known or not known["parts"]:
        return None
    rows = [
        [
            Cell(name),
            Cell(f"{title} ({part['rows']:,} battles)"),
            *(estimate_cell(part["models"][name][metric], 3) for metric in METRICS),
        ]
        for name in details["models"]
        for title, part in known["parts"].items()
    ]
    return Table("Test battles with known prompts, and the others", HEADER, rows)
