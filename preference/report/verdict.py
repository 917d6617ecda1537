"""The verdict in words: which experiment is best, whether significantly, and at what cost."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import (
    Sentence,
    join,
    number,
    quantity,
    signed,
    with_interval,
)
from preference.report.best_experiment import best_experiment, contenders, lowest
from preference.report.cost import (
    PER_BATTLE,
    TrainingMetrics,
    cost_of,
    cost_ratios,
    describe_cost,
)
from preference.report.oracle_verdict import PRIOR, judge_against_oracle
from preference.report.significance import (
    compare,
    describe,
    is_better,
    is_significant,
    is_worse,
)
from preference.report.training_noise_notes import describe_training_noise, explain_unknown_noise

Details = Mapping[str, Any]


def judge(details: Details, training: TrainingMetrics) -> list[Sentence]:
    """Return the verdict: first what to use, then warnings, then the rest by importance.

    Args:
        details: the content of `metrics/evaluation_details.json`.
        training: the content of `metrics/train/<experiment>/metrics.json`, by experiment.
    """
    best = best_experiment(details)
    warnings = [Sentence(text, warning=True) for text in details["warnings"]]
    if details["limits"]["test"]["too_few_groups"] or not details["training_noise"]:
        first, *rest = _report_without_tests(best, details, training)
        return [first, *warnings, *rest]
    return [
        Sentence(_recommend(best, details, training) + _mention_better_reference(best, details)),
        *warnings,
        *_judge_against_reference(best, details),
        *_judge_others_against_baseline(best, details),
        describe_training_noise(details),
        *(judge_against_oracle(best, details) if details["simulated"] else []),
        *_judge_against_baseline(best, details),
        *describe_cost(best, details, training),
        *_judge_others_against_reference(best, details),
        *_judge_against_prior(details),
        *_mention_selection(best, details),
        *_judge_precision(details),
    ]


def _recommend(best: str, details: Details, training: TrainingMetrics) -> str:
    """Return the one sentence that a person can act on, without its period."""
    baseline = details["baseline"]
    score = f"log loss {with_interval(details['models'][best]['log_loss'])}"
    battles = _name_battles(details)
    differences = details["differences"]["baseline"]
    if best == baseline:
        only = "" if differences else ", the only experiment"
        return f"Use {baseline}{only}: {score} on {battles}; no experiment is better"
    difference = differences[best]
    if not is_better(difference):
        return (
            f"Keep {baseline}: no experiment is significantly better on {battles}. {best} has the "
            f"lowest log loss, {number(-difference['value'])} below it; {compare(difference)}"
        )
    ratios = cost_ratios(cost_of(best, details, training), cost_of(baseline, details, training))
    cost = f", at {quantity(ratios[PER_BATTLE])} times the cost" if PER_BATTLE in ratios else ""
    return (
        f"Use {best}: significantly better than {baseline} by {number(-difference['value'])} log "
        f"loss{cost}; {score} on {battles}{_mention_luckier(best, details)}"
    )


def _mention_luckier(best: str, details: Details) -> str:
    """Return what follows where a model that is not significantly better has a lower log loss."""
    luckier = lowest(contenders(details), details)
    if luckier == best:
        return ""
    value = number(details["models"][luckier]["log_loss"]["value"])
    return f". {luckier} has a lower one, {value}, but is not significantly better"


def _mention_better_reference(best: str, details: Details) -> str:
    """Return the end of that sentence: with a reference that has a lower log loss, if there is."""
    reference = details["best_reference"]
    ours, other = (details["models"][name]["log_loss"]["value"] for name in (best, reference))
    if other >= ours:
        return "."
    return f". {reference}, which needs no network, has a lower log loss: {number(other)}."


def _report_without_tests(best: str, details: Details, training: TrainingMetrics) -> list[Sentence]:
    """Report metrics where nothing could be tested."""
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
        *explain_unknown_noise(details),
        *describe_cost(best, details, training),
        *(judge_against_oracle(best, details) if details["simulated"] else []),
    ]


def _name_battles(details: Details) -> str:
    kind = "simulated" if details["simulated"] else "real"
    return f"{details['rows']:,} {kind} test battle{'' if details['rows'] == 1 else 's'}"


def _judge_against_baseline(best: str, details: Details) -> list[Sentence]:
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    # Where it is not better, the first sentence has said so.
    if best not in differences or not is_better(differences[best]):
        return []
    return [Sentence(f"Compared with {baseline}: {compare(differences[best])}.")]


def _judge_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, difference = details["best_reference"], details["differences"]["reference"][best]
    compared = f"Compared with {reference}, the best reference on calibration: "
    cost = "" if is_better(difference) else f" {best} is not worth its cost."
    return [
        Sentence(
            f"{compared}{compare(difference)}.{cost}",
            warning=bool(cost),
        )
    ]


def _judge_others_against_baseline(best: str, details: Details) -> list[Sentence]:
    """Sort the other experiments by how they compare with the baseline."""
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    titles = {
        f"Also significantly better than {baseline}": is_better,
        f"Significantly worse than {baseline}": is_worse,
        f"Too little different from {baseline} to matter": lambda each: (
            is_significant(each) and not each["matters"]
        ),
        f"Not significantly different from {baseline}": lambda each: not is_significant(each),
    }
    sentences = []
    for title, belongs in titles.items():
        names = [
            f"{name} ({describe(difference)})"
            for name, difference in differences.items()
            if name != best and name in contenders(details) and belongs(difference)
        ]
        if names:
            sentences.append(Sentence(f"{title}: {join(names)}."))
    return sentences


def _judge_others_against_reference(best: str, details: Details) -> list[Sentence]:
    reference, differences = details["best_reference"], details["differences"]["reference"]
    others = [name for name in contenders(details) if name != best]
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
    idle = [name for name in contenders(details) if not _beats_prior(name, details)]
    if not idle:
        return []
    return [
        Sentence(
            f"{join(idle)} {'are' if len(idle) > 1 else 'is'} not shown to be better than {PRIOR}, "
            "which predicts the class frequencies of train for every battle: use more battles, or "
            "a pretrained backbone.",
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
    if len(contenders(details)) == 1:
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
