"""Test differences in one data set, as the pipeline does."""

import numpy as np

from checks.interval_coverage.models import (
    IMPROVEMENT,
    NULL_MODELS,
    NULL_PAIR,
    RIVAL,
    Models,
)
from checks.interval_coverage.trained_models import AGAIN, TrainedModels
from checks.interval_coverage.world import ONCE, SEEDS, TRAINED
from preference.evaluation.model_summary import row_losses
from preference.report.significance import SIGNIFICANCE_LEVEL
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.paired_tests import compare_with, paired_difference

ONE_NULL = "false alarms: one null difference"
FOUR_NULLS = f"any false alarm among {len(NULL_MODELS)} null differences, Holm"
AGAINST_ONE = f"false alarms: the same recipe twice, one seed against {SEEDS}"
SAME_RECIPE = f"false alarms: the same recipe twice, {SEEDS} seeds each"
TRUE_DIFFERENCE = f"power: a true difference of {IMPROVEMENT}"


def call_real(models: Models, labels: np.ndarray, groups: np.ndarray) -> dict[str, bool]:
    """Return whether tests of models with one training run find a significant difference.

    Args:
        models: the predictions of each model for the n battles of the data set.
        labels: the labels of the battles, int [n].
        groups: the groups of the battles, int [n].
    """
    bootstrap = _no_resamples(groups)
    losses = {name: row_losses(labels, [one]) for name, one in models.items()}
    nulls = compare_with(RIVAL, NULL_MODELS, losses, bootstrap)
    improved = paired_difference(losses["better"], losses[RIVAL], bootstrap)
    return {
        ONE_NULL: nulls[NULL_PAIR].p < SIGNIFICANCE_LEVEL,
        FOUR_NULLS: any(one.p_holm < SIGNIFICANCE_LEVEL for one in nulls.values()),
        TRUE_DIFFERENCE: improved.p < SIGNIFICANCE_LEVEL,
    }


def call_trainings_real(trained: TrainedModels, groups: np.ndarray) -> dict[str, bool]:
    """Return whether tests find a significant difference between trainings of one recipe."""
    bootstrap = _no_resamples(groups)

    def is_called_real(name: str, other: str) -> bool:
        noise = trained.noise_of_difference(name, other)
        losses = trained.losses(name), trained.losses(other)
        return paired_difference(*losses, bootstrap, noise).p < SIGNIFICANCE_LEVEL

    return {AGAINST_ONE: is_called_real(ONCE, TRAINED), SAME_RECIPE: is_called_real(AGAIN, TRAINED)}


def _no_resamples(groups: np.ndarray) -> GroupBootstrap:
    """Return a bootstrap for tests, whose p-values need no resamples."""
    return GroupBootstrap(groups, resamples=1, seed=0)
