"""Notes on test battles with soft labels and on weights of battles."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, number


def describe_soft_labels(details: Mapping[str, Any]) -> list[Sentence]:
    """Explain what the metrics of soft labels are; no sentences where labels are hard.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    sentences = []
    if soft := details.get("soft_labels"):
        sentences += [
            Sentence(
                f"{soft['rows']:,} of {details['rows']:,} test battles have soft labels: their log "
                "loss is the cross-entropy of soft labels. No prediction can be below the entropy "
                f"of the labels, {number(soft['entropy'])}, where hard labels would allow 0."
            ),
            Sentence("Accuracy and macro F1 take the label with the largest share."),
        ]
    if weights := details.get("battle_weights"):
        sentences.append(
            Sentence(
                f"Test battles have weights from {weights['min']:g} to {weights['max']:g}: all "
                "metrics are weighted, but no number of battles and no confusion."
            )
        )
    return sentences
