"""What simulated battles say beyond real ones: how far each model is from the truth."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import (
    Sentence,
    number,
    percent,
    signed,
    signed_interval,
)

ORACLE = "oracle"
PRIOR = "prior"

Details = Mapping[str, Any]


def judge_against_oracle(best: str, details: Details) -> list[Sentence]:
    """Return how far the models have come from the class shares to the truth, and any leak.

    The share of the way is `1 - regret / regret of prior`; regrets are free of the labels' luck.
    """
    models = {name: model for name, model in details["models"].items() if name != ORACLE}
    ranked = sorted(models, key=lambda name: models[name]["regret"])
    sentences = [
        Sentence(
            "These battles are simulated: they show what the pipeline can find, and nothing "
            "about real chatbots."
        )
    ]
    share = share_of_way(best, details)
    if share is not None:
        sentences.append(
            Sentence(f"{best} goes {percent(share)} of the way from {PRIOR} to the {ORACLE}.")
        )
    regrets = ", ".join(_describe_regret(name, details) for name in ranked)
    sentences.append(Sentence(f"Regret, the expected log loss above the {ORACLE}'s: {regrets}."))
    return sentences + _warn_of_leaks(ranked, details)


def share_of_way(name: str, details: Details) -> float | None:
    """Return 0 for a model as far from the truth as `prior`, 1 for the oracle."""
    models = details["models"]
    if PRIOR not in models or models[PRIOR]["regret"] == 0:
        return None
    return 1 - models[name]["regret"] / models[PRIOR]["regret"]


def _describe_regret(name: str, details: Details) -> str:
    share = share_of_way(name, details)
    way = "" if share is None else f" ({percent(share)})"
    return f"{name} {number(details['models'][name]['regret'])}{way}"


def _warn_of_leaks(names: list[str], details: Details) -> list[Sentence]:
    gaps = details["differences"]["oracle"]
    return [
        Sentence(
            f"{name} is better than the {ORACLE} by more than chance explains "
            f"({signed(gaps[name]['value'])} {signed_interval(gaps[name])} log loss): "
            "look for a leak.",
            warning=True,
        )
        for name in names
        if gaps[name]["high"] is not None and gaps[name]["high"] < 0
    ]
