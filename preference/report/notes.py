"""Notes that follow the verdict: calibration, order, slices, blend and oracle."""

from collections.abc import Mapping
from typing import Any

from preference.rendering.numbers import (
    Sentence,
    interval,
    join,
    number,
    percent,
    signed,
    signed_interval,
    with_interval,
)
from preference.report.best_experiment import best_experiment
from preference.report.cost import only_member
from preference.report.oracle_verdict import ORACLE
from preference.report.significance import (
    Difference,
    describe,
    is_better,
    is_same,
    is_tested,
    why_untested,
)

Details = Mapping[str, Any]


def describe_calibration(details: Details) -> list[Sentence]:
    """Report which experiments have a significant calibration error.

    Where the noise of training is unknown, none is called significant.
    """
    errors = {
        name: details["models"][name]["calibration"]["top_label"] for name in details["experiments"]
    }
    unknown = [name for name, error in errors.items() if error["low"] is None]
    off = [name for name, error in errors.items() if error["low"]]
    texts = {
        name: f"{name} {with_interval(error, 3)}, {number(error['if_calibrated'], 3)} if calibrated"
        for name, error in errors.items()
    }
    if not details["training_noise"]:
        listed = "; ".join(texts.values())
        return [Sentence(f"Calibration errors, without the noise of training: {listed}.")]
    sentences = [Sentence(f"Significant calibration error: {texts[name]}.") for name in off]
    fine = [texts[name] for name in errors if name not in (*off, *unknown)]
    if fine:
        text = f"No significant calibration error: {'; '.join(fine)}."
        sentences.append(Sentence(text))
    if unknown:
        listed = "; ".join(texts[name] for name in unknown)
        sentences.append(Sentence(f"Not tested for a calibration error: {listed}."))
    return sentences


def describe_order(details: Details) -> list[Sentence]:
    """Report the position bias, and what averaging both orders gains."""
    models = {name: details["models"][name] for name in details["experiments"]}
    flips = [
        f"{name} {number(100 * model['flip_rate']['value'], 1)}\u00a0%"
        for name, model in models.items()
    ]
    gains = [
        f"{name} {signed(gain['value'])} {signed_interval(gain)}"
        for name, gain in ((name, model["both_orders"]["gain"]) for name, model in models.items())
    ]
    return [
        Sentence(
            f"Fraction of battles whose predicted label changes with the order: {', '.join(flips)}."
        ),
        Sentence(
            "Gain in log loss of averaging both orders (positive is better; it costs a second pass "
            f"of the head, while the backbone reads each answer once): {', '.join(gains)}."
        ),
    ]


def describe_slices(details: Details) -> list[Sentence]:
    """Name the slices on which the best experiment differs from its log loss on all battles."""
    best = best_experiment(details)
    overall = details["models"][best]["log_loss"]
    # A slice by the label itself only repeats which labels the model finds hard.
    slices = [part for part in details["slices"] if part["slice"] != "label"]
    enough = [part for part in slices if not part["few"]]
    if not enough:
        return [Sentence("No slice has enough battles.")]
    apart = [part for part in enough if _lies_apart(part["models"][best]["log_loss"], overall)]
    if not apart:
        text = f"No slice stands out for {best}, out of {len(enough)} with enough battles."
        return [Sentence(text)]
    parts = "; ".join(_describe_part(part, best, overall["value"]) for part in apart)
    return [
        Sentence(
            f"Slices that stand out for {best}, out of {len(enough)} with enough battles "
            f"(all battles: log loss {number(overall['value'])}): {parts}."
        )
    ]


def describe_blend(details: Details) -> list[Sentence]:
    """Report the weights of the blend, the largest first; no sentence where there is none."""
    if not details["blend"]:
        return []
    if single := only_member(details):
        runs = details["models"][single]["seeds"]
        mean = f", the mean of its {runs} training runs" if runs > 1 else ""
        return [
            Sentence(
                f"The blend is {single} alone{mean}: the weights were fitted on calibration, and "
                "no other model got one. It is not compared as if it were another model."
            )
        ]
    weights = details["blend"]["weights"]
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    shown = [f"{name} {weight:.2f}" for name, weight in ranked if weight > 0]
    text = f"The blend mixes {join(shown)}; the weights were fitted on calibration."
    baseline, differences = details["baseline"], details["differences"]["baseline"]
    copies = [name for name, each in differences.items() if name in weights and is_same(each)]
    if copies and baseline in weights:
        names = join([baseline, *copies])
        text += f" {names} predict the same, so that only the sum of their weights matters."
    return [Sentence(text)]


def describe_truth(details: Details) -> list[Sentence]:
    """Report, on simulated battles, how much of the true log odds the best experiment predicts."""
    if not details["simulated"] or details["limits"]["test"]["too_few_groups"]:
        return []
    best, reference, models = best_experiment(details), details["best_reference"], details["models"]
    difference = details["agreement_differences"].get(best)
    regrets = [model["regret_covered"] for name, model in models.items() if name != ORACLE]
    covered = [one for one in regrets if one is not None]
    return [
        *_describe_recovery(best, models[best]),
        Sentence(
            f"On the {models[best]['rows_agreement']:,} battles that agreement decides, "
            + _compare_on_agreement(best, reference, difference)
        ),
        Sentence(
            f"The interval of the difference to the {ORACLE} covers the true regret of "
            f"{sum(covered)} of {len(covered)} models."
        ),
    ]


def _describe_recovery(best: str, model: Mapping[str, Any]) -> list[Sentence]:
    if model["surface_recovered"] is None:
        return []
    return [
        Sentence(
            f"{best} recovers {percent(model['surface_recovered'])} of what the answers alone "
            f"show, and {percent(model['agreement_recovered'])} of the agreement of prompt and "
            "answer."
        )
    ]


def _compare_on_agreement(best: str, reference: str, difference: Difference | None) -> str:
    if difference is None or not is_tested(difference):
        why = "there are too few battles" if difference is None else why_untested(difference)
        return f"{best} and {reference} were not compared, because {why}."
    verb = "is" if is_better(difference) else "is not"
    return f"{best} {verb} significantly better than {reference} ({describe(difference)})."


def _lies_apart(estimate: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the intervals of two estimates do not overlap."""
    if estimate["low"] is None or other["low"] is None:
        return False
    return estimate["low"] > other["high"] or estimate["high"] < other["low"]


def _describe_part(part: Mapping[str, Any], best: str, overall: float) -> str:
    log_loss = part["models"][best]["log_loss"]
    kind = "harder" if log_loss["value"] > overall else "easier"
    return (
        f"{part['slice']}, {part['part']} ({part['rows']:,} battles): {kind}, log loss "
        f"{number(log_loss['value'])} {interval(log_loss)}"
    )
