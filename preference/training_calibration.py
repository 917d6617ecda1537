"""The temperatures of one training, and what it is worth, on the calibration split.

One number is fitted on the battles that it is then judged by, so the log loss here flatters a
little; `evaluate` reads the test split for that reason.
"""

from collections.abc import Mapping

import numpy as np

from preference.errors import BadInput
from preference.group_bootstrap import Estimate, GroupBootstrap
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

    Raises:
        BadInput: the battles are of a single group.
    """
    if len(np.unique(groups)) < 2:
        raise BadInput("the calibration split has fewer than two groups: raise split.calibration.")
    bootstrap = GroupBootstrap(groups, RESAMPLES, seed)
    return Calibration(
        battles=len(labels),
        groups=len(np.unique(groups)),
        in_order=_calibrate(labels, predictions, bootstrap),
        both_orders=_calibrate(labels, average_both_orders(predictions), bootstrap),
    )


def _calibrate(
    labels: np.ndarray, predictions: Predictions, bootstrap: GroupBootstrap
) -> Calibrated:
    temperature = fit_temperature(labels, predictions.probabilities)
    scaled = map_probabilities(predictions, lambda one: apply_temperature(one, temperature))
    return Calibrated(
        temperature=temperature, metrics=estimate_figures(labels, [scaled], bootstrap)
    )
