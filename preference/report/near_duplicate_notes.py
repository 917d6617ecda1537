"""What the report says of near duplicates: test battles whose prompt is nearly one of train."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, number, with_interval


def describe_near_duplicates(details: Mapping[str, Any]) -> list[Sentence]:
    """Say how many there are, and what the log loss is without them; nothing where none are.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    near = details["near_duplicates"]
    if not near["rows"]:
        return []
    sentences = [
        Sentence(
            f"{near['rows']:,} of {details['rows']:,} test battles "
            f"({number(100 * near['rate'], 1)}\u00a0%) have a prompt that is nearly one of train "
            "(Jaccard similarity of runs of five words 0.8 or more)."
        )
    ]
    if details["simulated"]:
        sentences.append(
            Sentence("Simulated prompts are made from templates: some differ in one word alone.")
        )
    if near["log_loss_without"]:
        losses = [
            f"{name} {with_interval(without)} (with them {number(all_battles['value'])})"
            for name, without in near["log_loss_without"].items()
            for all_battles in [details["models"][name]["log_loss"]]
        ]
        sentences.append(Sentence(f"Log loss without them: {'; '.join(losses)}."))
    return sentences
