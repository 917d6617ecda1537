"""Warnings about metrics that may mislead, one sentence each.

The stage `evaluate` prints them, and the verdict of the report begins with them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from preference.battles.table import LABELS
from preference.evaluation.targets import Targets
from preference.rendering.numbers import number, p_value
from preference.statistics.calibration_warnings import (
    missing_labels,
    warn_of_bound,
    warn_of_calibration,
    warn_of_constant,
    warn_of_impossible,
)
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.paired_tests import SIGNIFICANCE_LEVEL

Details = Mapping[str, Any]
Seeds = Sequence[int | str | None]


def find_limits(targets: Targets) -> dict[str, Any]:
    """Return why there are no intervals, None where there are, and the labels that do not occur."""
    return {
        "too_few_groups": explain_few_groups(targets.groups, targets.weights),
        "missing_labels": missing_labels(targets.labels, bool(targets.has_ties.any())),
    }


def find_calibration_limits(targets: Targets) -> dict[str, Any]:
    """Return the limits of calibration; with folds, those of any fold, each of which is fitted."""
    if targets.folds is None:
        return find_limits(targets)
    has_ties = bool(targets.has_ties.any())
    folds = [targets.folds == fold for fold in np.unique(targets.folds)]
    weights = targets.weights
    few = [
        explain_few_groups(targets.groups[fold], None if weights is None else weights[fold])
        for fold in folds
    ]
    missing = {label for fold in folds for label in missing_labels(targets.labels[fold], has_ties)}
    return {
        "too_few_groups": next(filter(None, few), None),
        "missing_labels": [label for label in LABELS if label in missing],
    }


def find_warnings(details: Details, seeds: Mapping[str, Seeds]) -> list[str]:
    """Return the warnings, as whole sentences.

    Args:
        details: `experiments`, `limits`, `models` and `known_prompts` of
            `metrics/evaluation_details.json`.
        seeds: of the training runs of each experiment.
    """
    calibration, test = details["limits"]["calibration"], details["limits"]["test"]
    return [
        *_warn_of_test(test),
        *warn_of_calibration(calibration["too_few_groups"], calibration["missing_labels"]),
        *[
            text
            for name in details["experiments"]
            for text in _warn_of_model(name, details, seeds[name])
        ],
        *_warn_of_known_prompts(details["known_prompts"]),
    ]


def _warn_of_test(limits: Mapping[str, Any]) -> list[str]:
    warnings = []
    if limits["too_few_groups"]:
        warnings.append(
            f"On test, {limits['too_few_groups']}. No difference was tested, and the order of the "
            "models may be due to chance: use battles of more prompts, or raise split.test."
        )
    if limits["missing_labels"]:
        warnings.append(
            f"No test battle has the label {' or '.join(limits['missing_labels'])}: how well it is "
            "predicted is unknown, and macro F1 counts it as 0."
        )
    return warnings


def _warn_of_known_prompts(known: Details | None) -> list[str]:
    """Warn of experiments that are better, against the best reference, on known prompts."""
    gains = known["gains"] if known else {}
    return [
        f"{name} is better on test battles with known prompts, compared with "
        f"{known['reference'] if known else ''}, by {number(-gain['value'])} (p "
        f"{p_value(gain['p_holm'])}): its first weights may have seen them. Judge it on the other "
        "test battles."
        for name, gain in gains.items()
        if gain["value"] < 0 and gain["p_holm"] is not None and gain["p_holm"] < SIGNIFICANCE_LEVEL
    ]


def _warn_of_model(name: str, details: Details, seeds: Seeds) -> list[str]:
    model = details["models"][name]
    warnings = warn_of_bound(name, dict(zip(seeds, model["temperature"], strict=True)))
    if model["is_constant"]:
        warnings.append(warn_of_constant(name))
    few = details["limits"]["test"]["too_few_groups"]
    if model["accuracy"]["value"] == 1 and not few:
        warnings.append(f"{name} is right about every test battle: look for a leak.")
    if model["impossible_labels"]:
        warnings.append(warn_of_impossible(name, model["impossible_labels"]))
    return warnings
