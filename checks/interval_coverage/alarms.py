"""Which differences the pipeline calls real in one data set."""

import numpy as np

from checks.interval_coverage.models import (
    IMPROVEMENT,
    NULL_MODELS,
    NULL_PAIR,
    RIVAL,
    Models,
    train,
)
from checks.interval_coverage.world import SEEDS, TRAINED
from preference.evaluation.model_summary import row_losses
from preference.report.significance_wording import SIGNIFICANCE_LEVEL
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.paired_tests import compare_with, paired_difference

ONE_NULL = "false alarms: one null difference"
FOUR_NULLS = f"any false alarm among {len(NULL_MODELS)} null differences, Holm"
AGAINST_ONE = f"false alarms: {SEEDS} seeds against one training, equally good"
SAME_RECIPE = f"false alarms: the same recipe twice, {SEEDS} seeds each"
TRUE_DIFFERENCE = f"power: a true difference of {IMPROVEMENT}"


def call_real(models: Models, labels: np.ndarray, groups: np.ndarray) -> dict[str, bool]:
    """Return for the tests of single trainings whether they call a difference real.

    Args:
        models: predictions of the n battles of the data set.
        labels, groups: of the battles, int [n].
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


def call_trainings_real(
    models: Models, labels: np.ndarray, groups: np.ndarray, random: np.random.Generator
) -> dict[str, bool]:
    """Return the same for tests of models that are trained on several seeds; `random` trains."""
    bootstrap = _no_resamples(groups)
    ours, others = (
        row_losses(labels, [train(models[RIVAL], random) for _ in range(SEEDS)]) for _ in range(2)
    )
    once = row_losses(labels, [models[f"like {TRAINED}"]])
    return {
        AGAINST_ONE: paired_difference(ours, once, bootstrap).p < SIGNIFICANCE_LEVEL,
        SAME_RECIPE: paired_difference(ours, others, bootstrap).p < SIGNIFICANCE_LEVEL,
    }


def _no_resamples(groups: np.ndarray) -> GroupBootstrap:
    """Return a bootstrap for tests alone: their p-values are computed without resamples."""
    return GroupBootstrap(groups, resamples=1, seed=0)
