"""Compute the intervals of one data set, as the pipeline does."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from checks.interval_coverage.models import RIVAL, Models
from checks.interval_coverage.trained_models import TrainedModels
from checks.interval_coverage.world import (
    CALIBRATION_MODELS,
    DIFFERENCES,
    FIGURE_MODELS,
    ONCE,
    TRAINED,
    Figure,
    difference,
)
from preference.battles.predictions import Predictions
from preference.evaluation.model_summary import row_losses
from preference.statistics.calibration_error import (
    calibration_error,
    class_wise_gaps,
    estimate_error,
    mean_calibration_error,
    top_label_gaps,
)
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.metric_estimates import estimate_log_loss, estimate_metrics
from preference.statistics.metrics import one_hot
from preference.statistics.paired_tests import Difference, paired_difference
from preference.statistics.training_noise import StandardError

Intervals = Mapping[Figure, Estimate | Difference]


def estimate_all(
    models: Models, trained: TrainedModels, labels: np.ndarray, bootstrap: GroupBootstrap
) -> Intervals:
    """Estimate every metric whose truth is known.

    Args:
        models: the predictions of each model for the n battles of the data set.
        trained: the models that are trained for this data set.
        labels: the labels of the battles, int [n].
        bootstrap: the bootstrap of these battles.
    """
    intervals: dict[Figure, Estimate | Difference] = {}
    for name in FIGURE_MODELS:
        intervals |= _figures(name, [models[name]], labels, bootstrap)
    for name in (TRAINED, ONCE):
        errors = trained.noise_of_metrics(name)
        intervals |= _figures(name, trained.runs[name], labels, bootstrap, errors)
    for name in CALIBRATION_MODELS:
        intervals |= _calibration(name, models[name].probabilities, labels, bootstrap)
    intervals |= _differences(models, labels, bootstrap)
    fixed = row_losses(labels, [models[RIVAL]])
    for name, other, theirs in ((TRAINED, RIVAL, fixed), (ONCE, TRAINED, trained.losses(TRAINED))):
        noise = trained.noise_of_difference(name, other)
        intervals[difference(name, other)] = paired_difference(
            trained.losses(name), theirs, bootstrap, noise
        )
    return intervals


def estimate_losses(models: Models, labels: np.ndarray, bootstrap: GroupBootstrap) -> Intervals:
    """Estimate one log loss, and the differences of log losses."""
    log_loss = estimate_log_loss(labels, [models[RIVAL]], bootstrap)
    return {(RIVAL, "log_loss"): log_loss, **_differences(models, labels, bootstrap)}


def _differences(models: Models, labels: np.ndarray, bootstrap: GroupBootstrap) -> Intervals:
    found = {}
    for pair in DIFFERENCES:
        losses = [row_losses(labels, [models[name]]) for name in pair]
        found[difference(*pair)] = paired_difference(*losses, bootstrap)
    return found


def _figures(
    model: str,
    runs: Sequence[Predictions],
    labels: np.ndarray,
    bootstrap: GroupBootstrap,
    errors: Mapping[str, StandardError | None] = MappingProxyType({}),
) -> Intervals:
    estimates = estimate_metrics(labels, runs, bootstrap, errors)
    return {(model, name): estimate for name, estimate in estimates.items()}


def _calibration(
    model: str, probabilities: np.ndarray, labels: np.ndarray, bootstrap: GroupBootstrap
) -> Intervals:
    """Estimate the errors of `summarize_calibration`, without its slower parts."""
    top = bootstrap.means(top_label_gaps(labels, probabilities))
    by_label = bootstrap.means(class_wise_gaps(one_hot(labels), probabilities))
    random = bootstrap.random
    return {
        (model, "top_label_error"): estimate_error([top], calibration_error, random),
        (model, "class_wise_error"): estimate_error([by_label], mean_calibration_error, random),
    }
