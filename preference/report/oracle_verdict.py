"""The verdict on simulated battles, whose oracle is known: how close each model comes to it."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, number, percent
from preference.report.significance import describe, is_significant

ORACLE = "oracle"
PRIOR = "prior"

Details = Mapping[str, Any]


def judge_against_oracle(best: str, details: Details) -> list[Sentence]:
    """Report the regret of each model, and warn of models that are better than the oracle.

    Regrets have no noise of labels. The fraction of the gap from `prior` to the oracle that a model
    closes is `1 - regret / regret of prior`.
    """
    models = {name: model for name, model in details["models"].items() if name != ORACLE}
    ranked = sorted(models, key=lambda name: models[name]["regret"])
    sentences = [
        Sentence(
            "These battles are simulated: they show what the pipeline can find, and nothing "
            "about real chatbots."
        )
    ]
    fraction = fraction_closed(best, details)
    if fraction is not None:
        sentences.append(
            Sentence(f"{best} closes {percent(fraction)} of the gap from {PRIOR} to the {ORACLE}.")
        )
    regrets = ", ".join(_describe_regret(name, details) for name in ranked)
    sentences.append(Sentence(f"Regret, the expected log loss above the {ORACLE}'s: {regrets}."))
    return sentences + _warn_of_leaks(ranked, details)


def fraction_closed(name: str, details: Details) -> float | None:
    """Return the closed fraction of the gap to the oracle; None where `prior` has no regret."""
    models = details["models"]
    if PRIOR not in models or models[PRIOR]["regret"] == 0:
        return None
    return 1 - models[name]["regret"] / models[PRIOR]["regret"]


def _describe_regret(name: str, details: Details) -> str:
    fraction = fraction_closed(name, details)
    closed = "" if fraction is None else f" ({percent(fraction)})"
    return f"{name} {number(details['models'][name]['regret'])}{closed}"


def _warn_of_leaks(names: list[str], details: Details) -> list[Sentence]:
    gaps = details["differences"]["oracle"]
    return [
        Sentence(
            f"{name} is significantly better than the {ORACLE} ({describe(gaps[name])}): "
            "look for a leak.",
            warning=True,
        )
        for name in names
        if is_significant(gaps[name]) and gaps[name]["value"] < 0
    ]
