"""The temperatures of one training, and what it is worth, on the calibration split.

One number is fitted on the battles that it is then judged by, so the log loss here flatters a
little; `evaluate` reads the test split for that reason.
"""

from collections.abc import Mapping

import numpy as np

from preference.calibration_warnings import (
    missing_labels,
    warn_of_bound,
    warn_of_calibration,
    warn_of_constant,
)
from preference.few_groups import explain_few_groups
from preference.group_bootstrap import Estimate, GroupBootstrap
from preference.metrics import is_constant
from preference.parameter_types import Positive, checked
from preference.predictions import Predictions, average_both_orders, map_probabilities
from preference.resampled_metrics import estimate_figures
from preference.temperature import apply_temperature, fit_temperature

# Not `evaluation.resamples`: a change there would train every model anew.
RESAMPLES = 1000


@checked
class Calibrated:
    """A temperature, and figures of the predictions that it is applied to."""

    temperature: Positive
    metrics: Mapping[str, Estimate]


@checked
class Calibration:
    """The battles that the temperatures were fitted on, and both ways to predict.

    `in_order` reads the answers in the order given, `both_orders` averages both orders.
    """

    battles: int
    groups: int
    in_order: Calibrated
    both_orders: Calibrated


def calibrate_training(
    labels: np.ndarray, groups: np.ndarray, predictions: Predictions, seed: int
) -> Calibration:
    """Fit both temperatures, and estimate the figures with 95 % intervals over groups.

    Args:
        labels: of the calibration split, int [n].
        groups: int64 [n].
        predictions: of the n battles, as the model makes them.
        seed: chooses the resamples.
    """
    bootstrap = GroupBootstrap(groups, RESAMPLES, seed)
    return Calibration(
        battles=len(labels),
        groups=len(np.unique(groups)),
        in_order=_calibrate(labels, predictions, bootstrap),
        both_orders=_calibrate(labels, average_both_orders(predictions), bootstrap),
    )


def find_warnings(
    name: str,
    labels: np.ndarray,
    groups: np.ndarray,
    predictions: Predictions,
    calibration: Calibration,
) -> list[str]:
    """Say what keeps the temperatures and figures from meaning much, in whole sentences.

    Args:
        name: of the experiment.
        labels: of the calibration split, int [n].
        groups: int64 [n].
        predictions: of the n battles.
        calibration: what `calibrate_training` made of them.
    """
    fitted = {"": calibration.in_order, " for both orders": calibration.both_orders}
    return [
        *warn_of_calibration(explain_few_groups(groups), missing_labels(labels)),
        *([warn_of_constant(name)] if is_constant(predictions.probabilities) else []),
        *[
            warning
            for order, one in fitted.items()
            for warning in warn_of_bound(name + order, [one.temperature])
        ],
    ]


def _calibrate(
    labels: np.ndarray, predictions: Predictions, bootstrap: GroupBootstrap
) -> Calibrated:
    temperature = fit_temperature(labels, predictions.probabilities)
    scaled = map_probabilities(predictions, lambda one: apply_temperature(one, temperature))
    return Calibrated(
        temperature=temperature, metrics=estimate_figures(labels, [scaled], bootstrap)
    )
