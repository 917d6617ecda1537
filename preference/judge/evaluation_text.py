"""The metrics of bundles on a file of votes, as text for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from preference.rendering.numbers import number, with_interval
from preference.report.significance import compare
from preference.statistics.calibration_warnings import warn_of_constant, warn_of_impossible

TITLES = {
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "calibration_error": "calibration error",
    "flip_rate": "flip rate",
}
TITLE_WIDTH = 20
FREQUENCIES = "A model that predicts these frequencies"
WEIGHTS_ALONE = (
    "This is about these very weights: how much another training run of the same experiment would "
    "differ is not known from one bundle."
)

Result = Mapping[str, Any]


def describe_evaluation(result: Result) -> str:
    """Return the lines to print, of what `evaluate_file` returns."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield (
        f"{result['file']}: {result['battles']:,} battles in {result['groups']:,} groups. Battles "
        "with the same prompt, or with the same two answers, are one group."
    )
    if result["too_few_groups"]:
        yield f"No intervals and no tests: {result['too_few_groups']}."
    else:
        yield "Brackets are 95 % intervals."
    if not result["has_ties"]:
        yield "No vote is a tie: the models predict A or B alone, without the probability of a tie."
    if result["missing_labels"]:
        missing = " or ".join(result["missing_labels"])
        yield f"No battle has the label {missing}, and macro F1 counts a missing label as 0."
    yield from _describe_soft_labels(result)
    for name, metrics in result["models"].items():
        yield ""
        yield from _describe_model(name, metrics)
    if result["differences"]:
        yield ""
        yield from _describe_differences(result)
    yield ""
    yield WEIGHTS_ALONE


def _describe_soft_labels(result: Result) -> Iterator[str]:
    if soft := result.get("soft_labels"):
        yield (
            f"{soft['rows']:,} battles have soft labels: log loss is the cross-entropy of soft "
            f"labels, and no model can be below {number(soft['entropy'])}, their entropy. Accuracy "
            "and macro F1 take the label with the largest share."
        )
    if weights := result.get("battle_weights"):
        yield (
            f"Battles have weights from {weights['min']:g} to {weights['max']:g}: all metrics are "
            "weighted."
        )


def _describe_model(name: str, metrics: Result) -> Iterator[str]:
    yield name
    for metric, title in TITLES.items():
        yield f"  {title:{TITLE_WIDTH}}{with_interval(metrics[metric])}"
    expected = number(metrics["calibration_error"]["if_calibrated"])
    yield f"  A calibrated model would have a calibration error of {expected} on as many battles."
    prior = metrics["prior"]
    yield f"  Compared with the label frequencies of its training, {compare(prior['difference'])}."
    if metrics["is_constant"]:
        yield f"  Warning: {warn_of_constant(name)}"
    if metrics["impossible_labels"]:
        yield f"  Warning: {warn_of_impossible(name, metrics['impossible_labels'])}"
    if prior["impossible_labels"]:
        yield f"  Warning: {warn_of_impossible(FREQUENCIES, prior['impossible_labels'])}"


def _describe_differences(result: Result) -> Iterator[str]:
    for name, difference in result["differences"].items():
        yield f"{name}, compared with {result['compared_with']}: {compare(difference)}."
