"""The verdict in words: which experiment is best, whether significantly, and at what cost."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import Sentence, join, number, signed, with_interval
from preference.report.cost import (
    BLEND,
    TrainingMetrics,
    costs_more,
    describe_cost,
    only_member,
)
from preference.report.oracle_verdict import PRIOR, judge_against_oracle
from preference.report.significance import (
    compare,
    describe,
    is_better,
    is_significant,
    is_worse,
)

Details = Mapping[str, Any]


def judge(details: Details, training: TrainingMetrics) -> list[Sentence]:
    """Return the verdict, the most important sentence first.

    Args:
        details: the content of `metrics/evaluation_details.json`.
        training: the content of `metrics/train/<experiment>/metrics.json`, by experiment.
    """
    best = best_experiment(details)
    warnings = [Sentence(text, warning=True) for text in details["warnings"]]
    if details["limits"]["test"]["too_few_groups"]:
        return [*warnings, *_report_without_tests(best, details, training)]
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
        *_mention_selection(best, details),
        *_judge_precision(details),
        _judge_seeds(details),
    ]


def best_experiment(details: Details) -> str:
    """Return the name of the experiment, or of the blend, with the lowest log loss on test."""
    return min(_contenders(details), key=lambda name: details["models"][name]["log_loss"]["value"])


def _contenders(details: Details) -> list[str]:
    """Return the experiments and the blend, unless the blend is a single model."""
    return [name for name in details["arms"] if name != BLEND or not only_member(details)]


def _report_without_tests(best: str, details: Details, training: TrainingMetrics) -> list[Sentence]:
    """Report metrics of battles in too few groups for a test."""
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
    title = "The best experiment" if len(_contenders(details)) > 1 else "The only experiment"
    log_loss = with_interval(details["models"][best]["log_loss"])
    return Sentence(f"{title} is {best}: log loss {log_loss} on {_name_battles(details)}.")


def _judge_against_baseline(best: str, details: Details) -> list[Sentence]:
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    if best == baseline:
        return [Sentence(f"No experiment improves on {baseline}.")] if differences else []
    if best not in differences:
        return []
    return [Sentence(f"Compared with {baseline}: {compare(differences[best])}.")]


def _judge_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, difference = details["best_reference"], details["differences"]["reference"][best]
    cost = "" if is_better(difference) else " It is not worth its cost."
    return [
        Sentence(
            f"Compared with {reference}, the best reference: {compare(difference)}.{cost}",
            warning=bool(cost),
        )
    ]


def _judge_cost(best: str, details: Details, training: TrainingMetrics) -> list[Sentence]:
    difference = details["differences"]["baseline"].get(best)
    if difference is None or is_better(difference) or not costs_more(best, details, training):
        return []
    return [
        Sentence(f"{best} costs more than {details['baseline']}, and is not significantly better.")
    ]


def _judge_others_against_baseline(best: str, details: Details) -> list[Sentence]:
    """Sort the other experiments by how they compare with the baseline."""
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    titles = {
        f"Also significantly better than {baseline}": is_better,
        f"Significantly worse than {baseline}": is_worse,
        f"Not significantly different from {baseline}": lambda each: not is_significant(each),
    }
    sentences = []
    for title, belongs in titles.items():
        names = [
            f"{name} ({describe(difference)})"
            for name, difference in differences.items()
            if name != best and name in _contenders(details) and belongs(difference)
        ]
        if names:
            sentences.append(Sentence(f"{title}: {join(names)}."))
    return sentences


def _judge_others_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, differences = details["best_reference"], details["differences"]["reference"]
    others = [name for name in _contenders(details) if name != best]
    losers = [name for name in others if not is_better(differences[name])]
    if losers:
        names = join([f"{name} ({describe(differences[name])})" for name in losers])
        text = f"Not worth the cost, because not significantly better than {reference}: {names}."
        return [Sentence(text, warning=True)]
    text = f"All other experiments are significantly better than {reference}."
    return [Sentence(text)] if others else []


def _judge_against_prior(details: Details) -> list[Sentence]:
    if PRIOR not in details["references"]:
        return []
    idle = [name for name in _contenders(details) if not _beats_prior(name, details)]
    if not idle:
        return []
    return [
        Sentence(
            f"{join(idle)} {'are' if len(idle) > 1 else 'is'} not significantly better than "
            f"{PRIOR}, which predicts the class frequencies of train for every battle: use more "
            "battles, or a pretrained backbone.",
            warning=True,
        )
    ]


def _beats_prior(name: str, details: Details) -> bool:
    """Decide by a paired test where there is one, and otherwise by whether intervals overlap."""
    models, reference = details["models"], details["best_reference"]
    difference, prior = details["differences"]["reference"][name], models[PRIOR]["log_loss"]
    if reference == PRIOR:
        return is_better(difference)
    through_reference = models[reference]["log_loss"]["value"] <= prior["value"]
    if through_reference and is_better(difference):
        return True
    high, low = models[name]["log_loss"]["high"], prior["low"]
    return None not in (high, low) and high < low


def _mention_selection(best: str, details: Details) -> list[Sentence]:
    if len(_contenders(details)) == 1:
        return []
    return [
        Sentence(
            f"{best} was chosen as the best on the battles that it is scored on, so that its log "
            "loss is slightly optimistic. The adjusted p-values account for the number of "
            "comparisons."
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
            f"The 95\u00a0% interval of a difference to {details['baseline']} has a mean half "
            f"width of {number(width)} log loss: smaller differences are rarely significant."
        )
    ]


def _judge_seeds(details: Details) -> Sentence:
    models = {name: details["models"][name] for name in details["arms"]}
    if all(model["seeds"] == 1 for model in models.values()):
        return Sentence(
            "Each experiment was trained once, with one seed: the tests compare these training "
            "runs, and no interval includes the variance between seeds."
        )
    deviations = [
        f"{name} {number(model['seed_sd'])} ({model['seeds']} seeds)"
        for name, model in models.items()
        if model["seed_sd"] is not None
    ]
    text = (
        "Metrics are means over training runs, and their intervals include the variance between "
        "seeds. Standard deviation of log loss between seeds: " + ", ".join(deviations) + "."
    )
    once = [name for name, model in models.items() if model["seeds"] == 1]
    if once:
        text += f" The intervals of {join(once)}, with one seed, do not include it."
    if any(model["seeds"] == 2 for model in models.values()):
        text += " Two seeds give a poor estimate of that variance, so that intervals are wide."
    return Sentence(text)
