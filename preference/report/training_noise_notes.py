"""What the verdict says of the noise of training: its size, or that it is unknown."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, join, number
from preference.report.cost import BLEND

Details = Mapping[str, Any]

UNKNOWN_NOISE = (
    "No experiment was trained several times, so that the noise of training is unknown: intervals "
    "have that of the battles alone. To know it, train one experiment several times, with other "
    "seeds: -S '++experiments.{baseline}.train.seeds=3'."
)


def explain_unknown_noise(details: Details) -> list[Sentence]:
    """Return how the noise becomes known, where it is not.

    Args:
        details: the content of `metrics/evaluation_details.json`.
    """
    if details["training_noise"]:
        return []
    return [Sentence(UNKNOWN_NOISE.format(baseline=details["baseline"]))]


def describe_training_noise(details: Details) -> Sentence:
    """Return what intervals and tests hold of the noise, and where it comes from.

    Args:
        details: the content of `metrics/evaluation_details.json`, with known noise.
    """
    noise = details["training_noise"]
    runs = [f"{name} ({count} runs)" for name, count in noise["runs"].items()]
    text = (
        "All intervals and tests include the noise of training. The log loss has a standard "
        f"deviation of {number(noise['deviation'])} between training runs with different seeds, "
        f"estimated from {join(runs)}."
    )
    others = [
        name for name in details["experiments"] if name not in noise["runs"] and name != BLEND
    ]
    if others:
        text += f" The same is assumed of {join(others)}, which {_were(others)} trained once."
    text += _except_order(details)
    return Sentence(text)


def _were(names: list[str]) -> str:
    return "were" if len(names) > 1 else "was"


def _except_order(details: Details) -> str:
    """Return what intervals lack where only runs that do not depend on the order show the noise."""
    flips = {name: details["models"][name]["flip_rate"]["value"] for name in details["experiments"]}
    repeated = [name for name in details["training_noise"]["runs"] if name in flips]
    others = [name for name in flips if name not in repeated and flips[name]]
    if not repeated or not others or any(flips[name] for name in repeated):
        return ""
    return (
        f" The intervals of what the order of the answers does to {join(others)} do not have it: "
        f"swapping the answers changes nothing in {join(repeated)}."
    )
