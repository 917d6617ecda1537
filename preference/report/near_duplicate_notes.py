"""Notes on near duplicates: test battles whose prompt is nearly the same as one in train."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, number, with_interval


def describe_near_duplicates(details: Mapping[str, Any]) -> list[Sentence]:
    """Report their number, and the log loss without them; no sentences where there are none.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    near = details["near_duplicates"]
    if not near["rows"]:
        return []
    sentences = [
        Sentence(
            f"{near['rows']:,} of {details['rows']:,} test battles "
            f"({number(100 * near['rate'], 1)}\u00a0%) have a prompt that is nearly the same as "
            "one in train (Jaccard similarity of five-word shingles of at least 0.8)."
        )
    ]
    if details["simulated"]:
        sentences.append(
            Sentence("Simulated prompts are made from templates: some differ only in one word.")
        )
    if near["log_loss_without"]:
        losses = [
            f"{name} {with_interval(without)} (with them {number(all_battles['value'])})"
            for name, without in near["log_loss_without"].items()
            for all_battles in [details["models"][name]["log_loss"]]
        ]
        sentences.append(Sentence(f"Log loss without them: {'; '.join(losses)}."))
    return sentences
