"""The temperatures of a training run, and its metrics on the calibration split.

The temperature is fitted on the battles that the metrics are computed on, so that the log loss is
slightly too low. `evaluate` computes the metrics that count, on the test split.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from preference.battles.predictions import Predictions, average_both_orders, map_probabilities
from preference.battles.soft_labels import find_soft
from preference.battles.table import TIE
from preference.config.validation import Count, Finite, Text, checked
from preference.statistics.calibration_warnings import (
    missing_labels,
    warn_of_bound,
    warn_of_calibration,
    warn_of_constant,
)
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.metric_estimates import estimate_metrics
from preference.statistics.metrics import LARGEST_LOG_LOSS, ROUNDING, is_constant
from preference.statistics.temperature_scaling import LARGEST, apply_temperature, fit_temperature

# This is not `evaluation.resamples`, a change of which would make every bundle again.
RESAMPLES = 1000
# The metrics that the model card shows.
MEASURED = {"log_loss", "accuracy", "f1_macro", "flip_rate"}
# The noise of two training runs has a t distribution with one degree of freedom. Its quantiles are
# so large that a valid interval can be this wide.
LARGEST_INTERVAL = 1e6


def _check_metrics(metrics: Mapping[str, Estimate]) -> Mapping[str, Estimate]:
    """Check each value and interval; bounds may be impossible values where there are few seeds."""
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
    """Return whether the bounds enclose the value, or both are missing."""
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        return low is high
    is_finite = -LARGEST_INTERVAL <= low <= high <= LARGEST_INTERVAL
    # Rounding: the bounds are sums in another order than the value.
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
    """A temperature, and the metrics of predictions after it was applied."""

    temperature: Temperature
    metrics: Metrics


@checked
class Calibration:
    """The number of calibration battles, and the temperature for each way to predict.

    `in_order` reads the answers in the order given, `both_orders` averages both orders.
    `soft_labels` is the number of battles with soft labels, None where all labels are hard.
    """

    battles: Count
    groups: Count
    in_order: Calibrated
    both_orders: Calibrated
    soft_labels: Count | None = None

    def __post_init__(self) -> None:
        check_groups(self.battles, self.groups)


@checked
class Temperatures:
    """The temperatures of a model: for the order given, and for the average of both orders."""

    in_order: Temperature
    both_orders: Temperature


def fit_temperatures(
    labels: np.ndarray, predictions: Predictions, weights: np.ndarray | None = None
) -> Temperatures:
    """Fit both temperatures of a model on battles that it has not seen.

    Args:
        labels: int [n], or shares, float64 [n, 3].
        predictions: of the n battles, before any temperature.
        weights: of the battles, float64 [n]; None if all are 1.
    """
    averaged = average_both_orders(predictions)
    return Temperatures(
        in_order=fit_temperature(labels, predictions.probabilities, weights),
        both_orders=fit_temperature(labels, averaged.probabilities, weights),
    )


def calibrate_run(
    labels: np.ndarray,
    groups: np.ndarray,
    predictions: Predictions,
    seed: int,
    weights: np.ndarray | None = None,
) -> Calibration:
    """Fit both temperatures of a training run, and estimate its metrics with 95 % intervals.

    Args:
        labels: of the calibration split, int [n], or shares, float64 [n, 3].
        groups: int64 [n].
        predictions: of the n battles, before any temperature.
        seed: of the bootstrap.
        weights: of the battles, float64 [n]; None if all are 1.
    """
    bootstrap = GroupBootstrap(groups, RESAMPLES, seed, weights=weights)
    fitted = fit_temperatures(labels, predictions, weights)
    averaged = average_both_orders(predictions)
    return Calibration(
        battles=len(labels),
        groups=len(np.unique(groups)),
        in_order=_calibrate(labels, predictions, fitted.in_order, bootstrap),
        both_orders=_calibrate(labels, averaged, fitted.both_orders, bootstrap),
        soft_labels=int(find_soft(labels).sum()) or None,
    )


def find_warnings(
    name: str,
    labels: np.ndarray,
    groups: np.ndarray,
    predictions: Predictions,
    calibration: Calibration,
    weights: np.ndarray | None = None,
) -> list[str]:
    """Return warnings, as whole sentences, about temperatures that should not be relied on.

    Args:
        name: of the experiment.
        labels: of the calibration split, int [n], or shares, float64 [n, 3].
        groups: int64 [n].
        predictions: of the n battles.
        calibration: the result of `calibrate_run` for these predictions.
        weights: of the battles, float64 [n]; None if all are 1.
    """
    fitted = {"": calibration.in_order, " for both orders": calibration.both_orders}
    has_ties = bool(predictions.probabilities[:, TIE].any())
    return [
        *warn_of_calibration(explain_few_groups(groups, weights), missing_labels(labels, has_ties)),
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
        temperature=temperature, metrics=estimate_metrics(labels, [scaled], bootstrap)
    )
