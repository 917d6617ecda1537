"""The verdict in plain words: which experiment is best, whether that is real, what it costs."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, join, number, signed, with_interval
from preference.report.cost import Training, costs_more, describe_cost
from preference.report.oracle_verdict import PRIOR, judge_against_oracle
from preference.report.significance_wording import compare, describe, is_better, is_real

Details = Mapping[str, Any]


def judge(details: Details, training: Training) -> list[Sentence]:
    """Return the verdict, the most important sentence first.

    Args:
        details: the content of `metrics/evaluation_details.json`.
        training: of each trained arm, its `metrics/<arm>/metrics.json`.
    """
    best = best_arm(details)
    warnings = [Sentence(text, warning=True) for text in details["warnings"]]
    if details["limits"]["test"]["too_few_groups"]:
        return [*warnings, *_tell_without_judging(best, details, training)]
    return [
        *warnings,
        _name_best(best, details),
        *_judge_against_baseline(best, details),
        *_judge_against_reference(best, details),
        *describe_cost(best, details, training),
        *_judge_cost(best, details, training),
        *_judge_others_against_baseline(best, details),
        *_judge_others_against_reference(best, details),
        *_judge_against_prior(details),
        *(judge_against_oracle(best, details) if details["simulated"] else []),
        *_admit_choice(best, details),
        *_judge_precision(details),
        _judge_seeds(details),
    ]


def best_arm(details: Details) -> str:
    """Name the arm with the lowest log loss."""
    return min(details["arms"], key=lambda name: details["models"][name]["log_loss"]["value"])


def _tell_without_judging(best: str, details: Details, training: Training) -> list[Sentence]:
    """Return the figures of battles that are too few for a judgement."""
    others = {"baseline": details["baseline"], "reference": details["best_reference"]}
    differences = [
        f"{signed(details['differences'][kind][best]['value'])} to {other}"
        for kind, other in others.items()
        if best in details["differences"][kind]
    ]
    log_loss = with_interval(details["models"][best]["log_loss"])
    return [
        Sentence(
            f"{best} has the lowest log loss of the experiments: {log_loss} on "
            f"{_name_battles(details)}. Its difference was not tested: {join(differences)}."
        ),
        *describe_cost(best, details, training),
        *(judge_against_oracle(best, details) if details["simulated"] else []),
    ]


def _name_battles(details: Details) -> str:
    kind = "simulated" if details["simulated"] else "real"
    return f"{details['rows']:,} {kind} test battle{'' if details['rows'] == 1 else 's'}"


def _name_best(best: str, details: Details) -> Sentence:
    title = "The best experiment" if len(details["arms"]) > 1 else "The only experiment"
    log_loss = with_interval(details["models"][best]["log_loss"])
    return Sentence(f"{title} is {best}: log loss {log_loss} on {_name_battles(details)}.")


def _judge_against_baseline(best: str, details: Details) -> list[Sentence]:
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    if best == baseline:
        return [Sentence(f"No experiment improves on {baseline}.")] if differences else []
    if best not in differences:
        return []
    return [Sentence(f"Against {baseline}: {compare(differences[best])}.")]


def _judge_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, difference = details["best_reference"], details["differences"]["reference"][best]
    cost = "" if is_better(difference) else " It is not worth its cost."
    return [
        Sentence(
            f"Against {reference}, the best reference without a network: "
            f"{compare(difference)}.{cost}",
            warning=bool(cost),
        )
    ]


def _judge_cost(best: str, details: Details, training: Training) -> list[Sentence]:
    difference = details["differences"]["baseline"].get(best)
    if difference is None or is_better(difference) or not costs_more(best, details, training):
        return []
    return [
        Sentence(
            f"What {best} costs beyond {details['baseline']} buys nothing that these battles "
            "can show."
        )
    ]


def _judge_others_against_baseline(best: str, details: Details) -> list[Sentence]:
    """Sort the other arms by what can be said of them beside the baseline."""
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    titles = {
        f"Really better than {baseline} too": is_better,
        f"Really worse than {baseline}": lambda each: is_real(each) and not is_better(each),
        f"These battles cannot tell apart from {baseline}": lambda each: not is_real(each),
    }
    sentences = []
    for title, belongs in titles.items():
        names = [
            f"{name} ({describe(difference)})"
            for name, difference in differences.items()
            if name != best and belongs(difference)
        ]
        if names:
            sentences.append(Sentence(f"{title}: {join(names)}."))
    return sentences


def _judge_others_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, differences = details["best_reference"], details["differences"]["reference"]
    others = [name for name in details["arms"] if name != best]
    losers = [name for name in others if not is_better(differences[name])]
    if losers:
        names = join([f"{name} ({describe(differences[name])})" for name in losers])
        text = f"Not worth the cost, because not really better than {reference}: {names}."
        return [Sentence(text, warning=True)]
    return [Sentence(f"Every other experiment really beats {reference}.")] if others else []


def _judge_against_prior(details: Details) -> list[Sentence]:
    if PRIOR not in details["references"]:
        return []
    idle = [name for name in details["arms"] if not _beats_prior(name, details)]
    if not idle:
        return []
    return [
        Sentence(
            f"These battles do not show that {join(idle)} "
            f"{'do' if len(idle) > 1 else 'does'} better than {PRIOR}, which guesses the class "
            "shares: more battles, or a pretrained backbone, are needed.",
            warning=True,
        )
    ]


def _beats_prior(name: str, details: Details) -> bool:
    """Judge by a paired difference where there is one, else by intervals that lie apart."""
    models, reference = details["models"], details["best_reference"]
    difference, prior = details["differences"]["reference"][name], models[PRIOR]["log_loss"]
    if reference == PRIOR:
        return is_better(difference)
    through_reference = models[reference]["log_loss"]["value"] <= prior["value"]
    if through_reference and is_better(difference):
        return True
    high, low = models[name]["log_loss"]["high"], prior["low"]
    return None not in (high, low) and high < low


def _admit_choice(best: str, details: Details) -> list[Sentence]:
    if len(details["arms"]) == 1:
        return []
    return [
        Sentence(
            f"{best} was found to be the best on these same battles, which flatters its own log "
            "loss a little; the corrected p-values allow for that."
        )
    ]


def _judge_precision(details: Details) -> list[Sentence]:
    differences = details["differences"]["baseline"].values()
    widths = [each["high"] - each["low"] for each in differences if each["low"] is not None]
    if not widths:
        return []
    width = sum(widths) / len(widths) / 2
    return [
        Sentence(
            f"With these battles, a difference to {details['baseline']} begins to show at about "
            f"{number(width)} log loss, before correction for several comparisons."
        )
    ]


def _judge_seeds(details: Details) -> Sentence:
    models = {name: details["models"][name] for name in details["arms"]}
    if all(model["seeds"] == 1 for model in models.values()):
        return Sentence(
            "Each experiment was trained once, with one seed: what is real here is real of these "
            "trainings, and the noise of a training comes on top of every interval."
        )
    deviations = [
        f"{name} {number(model['seed_sd'])} (of {model['seeds']})"
        for name, model in models.items()
        if model["seed_sd"] is not None
    ]
    text = (
        "Figures are means over trainings, and their intervals hold the noise of the trainings "
        "too. Standard deviation of log loss between trainings: " + ", ".join(deviations) + "."
    )
    once = [name for name, model in models.items() if model["seeds"] == 1]
    if once:
        text += f" Without that noise are the figures of {join(once)}."
    if any(model["seeds"] == 2 for model in models.values()):
        text += " Two trainings tell little about their noise: intervals are wide for that reason."
    return Sentence(text)
