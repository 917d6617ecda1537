"""Measure intervals and tests of so few groups that the pipeline gives none.

Guarantee: the same population, numbers and seed give the same rows.
"""

from collections import Counter
from typing import Any

import numpy as np

from checks.interval_coverage.models import NULL_PAIR, RIVAL, Models, take
from checks.interval_coverage.population import DataSet, draw_data_set
from checks.interval_coverage.results import share_of
from checks.interval_coverage.world import Figure, World, difference
from preference.evaluation.model_summary import row_losses
from preference.report.significance import SIGNIFICANCE_LEVEL
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap, effective_groups
from preference.statistics.metric_estimates import estimate_metrics
from preference.statistics.paired_tests import Difference, paired_difference

COUNTS = (2, 3, 5, 10, 20, 30, 60)
# The fraction of battles in one large group, while all others are single, and the battles in all.
LARGEST, SINGLE_ROWS = (0.1, 0.3, 0.6), 200
RESAMPLES = 500
FIGURES = ("log_loss", "accuracy", "f1_macro")
FALSE_ALARM = "false alarm"

Row = dict[str, Any]


def measure_few_groups(equal: World, single: World, datasets: int, seed: int) -> list[Row]:
    """Return a row for each number of groups, and for each fraction of battles in a large group.

    Args:
        equal: a world with groups of similar sizes.
        single: a world with nearly independent battles, some of which are put into one group.
        datasets: the data sets of each row.
        seed: decides the data sets and the resamples.
    """
    rows = []
    for number, count in enumerate(COUNTS):
        drawn = [
            draw_data_set(equal.population, count * equal.population.sizes.mean(), random)
            for random in _randoms(seed, number, datasets)
        ]
        rows.append({"groups": count, "largest": None} | _measure(equal, drawn, seed))
    for number, share in enumerate(LARGEST, start=len(COUNTS)):
        drawn = [
            _in_one_group(draw_data_set(single.population, SINGLE_ROWS, random), share)
            for random in _randoms(seed, number, datasets)
        ]
        groups = len(np.unique(drawn[0].groups))
        rows.append({"groups": groups, "largest": share} | _measure(single, drawn, seed))
    return rows


def _randoms(seed: int, number: int, datasets: int) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, number, dataset, 2]) for dataset in range(datasets)]


def _in_one_group(data: DataSet, share: float) -> DataSet:
    """Put the first battles into one group, and each other battle into its own."""
    groups = np.maximum(data.each - round(share * len(data.each)) + 1, 0)
    return DataSet(data.battles, data.labels, groups)


def _measure(world: World, drawn: list[DataSet], seed: int) -> Row:
    counts: Counter[str] = Counter()
    for number, data in enumerate(drawn):
        models = {name: take(world.models[name], data.battles) for name in (RIVAL, NULL_PAIR)}
        bootstrap = GroupBootstrap(data.groups, RESAMPLES, [seed, number], fewest_groups=1)
        counts.update(_count(models, data, world.truth, bootstrap))
    worth = float(np.mean([effective_groups(data.groups) for data in drawn]))
    asked = (*FIGURES, "log_loss_difference", FALSE_ALARM)
    return {"worth": worth} | {name: share_of(counts[name], len(drawn)) for name in asked}


def _count(
    models: Models, data: DataSet, truth: dict[Figure, float], bootstrap: GroupBootstrap
) -> list[str]:
    """Return the metrics whose intervals cover the truth, and a false alarm if there is one."""
    estimates = estimate_metrics(data.labels, [models[RIVAL]], bootstrap)
    losses = [row_losses(data.labels, [models[name]]) for name in (NULL_PAIR, RIVAL)]
    null = paired_difference(*losses, bootstrap)
    found = {name: (estimates[name], truth[RIVAL, name]) for name in FIGURES}
    found["log_loss_difference"] = (null, truth[difference(NULL_PAIR, RIVAL)])
    covered = [name for name, (interval, true) in found.items() if _holds(interval, true)]
    return covered + [FALSE_ALARM] * (null.p < SIGNIFICANCE_LEVEL)


def _holds(interval: Estimate | Difference, truth: float) -> bool:
    """Return whether an interval covers the truth."""
    if interval.low is None or interval.high is None:
        return False
    return interval.low <= truth <= interval.high
