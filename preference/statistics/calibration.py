"""The temperatures of one training, and what it is worth, on the calibration split.

One number is fitted on the battles that it is then judged by, so the log loss here flatters a
little; `evaluate` reads the test split for that reason.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from preference.battles.predictions import Predictions, average_both_orders, map_probabilities
from preference.config.validation import Count, Finite, Text, checked
from preference.statistics.calibration_warnings import (
    missing_labels,
    warn_of_bound,
    warn_of_calibration,
    warn_of_constant,
)
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.metric_estimates import estimate_figures
from preference.statistics.metrics import LARGEST_LOG_LOSS, ROUNDING, is_constant
from preference.statistics.temperature_scaling import LARGEST, apply_temperature, fit_temperature

# Not `evaluation.resamples`: a change there would train every model again.
RESAMPLES = 1000
# What the model card shows, and so needs.
MEASURED = {"log_loss", "accuracy", "f1_macro", "flip_rate"}
# Two seeds that differ much have a t distribution of one degree of freedom.
LARGEST_INTERVAL = 1e6


def _check_metrics(metrics: Mapping[str, Estimate]) -> Mapping[str, Estimate]:
    """Check values and order; the noise of seeds may carry an interval beyond what is possible."""
    if missing := MEASURED - set(metrics):
        raise ValueError(f"{', '.join(sorted(missing))} is missing")
    for name, estimate in metrics.items():
        largest = LARGEST_LOG_LOSS if name == "log_loss" else 1
        if not 0 <= estimate.value <= largest:
            raise ValueError(f"{name} is {estimate.value:g}, not from 0 to {largest:g}")
        if not _is_interval_of(estimate):
            raise ValueError(
                f"{name} is {estimate.value}, with the interval [{estimate.low}, {estimate.high}]"
            )
    return metrics


def _is_interval_of(estimate: Estimate) -> bool:
    """Say whether the bounds are around the value, or whether both are missing."""
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        return low is high
    is_finite = -LARGEST_INTERVAL <= low <= high <= LARGEST_INTERVAL
    # Sums in another order differ in their last digits.
    return is_finite and low - ROUNDING <= estimate.value <= high + ROUNDING


def check_groups(battles: int, groups: int) -> None:
    """Check that there are no more groups than battles.

    Raises:
        ValueError: there are.
    """
    if groups > battles:
        raise ValueError(f"{groups} groups of {battles} battles")


Metrics = Annotated[Mapping[Text, Estimate], AfterValidator(_check_metrics)]
Temperature = Annotated[Finite, Field(ge=1 / LARGEST, le=LARGEST)]


@checked
class Calibrated:
    """A temperature, and figures of the predictions that it is applied to."""

    temperature: Temperature
    metrics: Metrics


@checked
class Calibration:
    """The battles that the temperatures were fitted on, and both ways to predict.

    `in_order` reads the answers in the order given, `both_orders` averages both orders.
    """

    battles: Count
    groups: Count
    in_order: Calibrated
    both_orders: Calibrated

    def __post_init__(self) -> None:
        check_groups(self.battles, self.groups)


@checked
class Temperatures:
    """Those of one model: for answers in the order given, and for both orders averaged."""

    in_order: Temperature
    both_orders: Temperature


def fit_temperatures(labels: np.ndarray, predictions: Predictions) -> Temperatures:
    """Fit both temperatures of a model on battles that it has not seen.

    Args:
        labels: int [n].
        predictions: of the n battles, as the model makes them.
    """
    return Temperatures(
        in_order=fit_temperature(labels, predictions.probabilities),
        both_orders=fit_temperature(labels, average_both_orders(predictions).probabilities),
    )


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
    fitted = fit_temperatures(labels, predictions)
    averaged = average_both_orders(predictions)
    return Calibration(
        battles=len(labels),
        groups=len(np.unique(groups)),
        in_order=_calibrate(labels, predictions, fitted.in_order, bootstrap),
        both_orders=_calibrate(labels, averaged, fitted.both_orders, bootstrap),
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
            for warning in warn_of_bound(name + order, {None: one.temperature})
        ],
    ]


def _calibrate(
    labels: np.ndarray, predictions: Predictions, temperature: float, bootstrap: GroupBootstrap
) -> Calibrated:
    scaled = map_probabilities(predictions, lambda one: apply_temperature(one, temperature))
    return Calibrated(
        temperature=temperature, metrics=estimate_figures(labels, [scaled], bootstrap)
    )
