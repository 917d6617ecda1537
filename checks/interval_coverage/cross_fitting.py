"""Measure intervals and tests of models that are cross-fitted, as with `split.folds`.

Two things may be asked of such an interval: what trainings of the recipe reach on average on as
many battles, or what those reach that were trained here. Cross-fitting estimates the former (Bates,
Hastie and Tibshirani, Cross-validation: what does it estimate and how well does it do it?, 2021),
so that the pipeline claims no more than that; both are measured.

Guarantee: the same numbers and seed give the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from checks.interval_coverage.results import share_of
from preference.report.significance import SIGNIFICANCE_LEVEL
from preference.splitting.folds import split_into_folds
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import estimate_mean
from preference.statistics.metrics import LARGEST_LOG_LOSS, row_log_loss
from preference.statistics.paired_tests import paired_difference

ROWS, FOLDS = (300, 1_200), 5
RESAMPLES = 500
# The battles on which the true log loss of a training is computed.
POPULATION = 5_000
# Features that decide a battle, and features that say nothing, in two sets.
SIGNAL, NOISE = 4, 4
EFFECT, TIE = 0.5, -0.3
MOST_JUDGES = 3
# The features that each recipe is trained on. `full` and `rival` are worth the same on average.
RECIPES = {
    "full": range(SIGNAL + NOISE),
    "rival": [*range(SIGNAL), *range(SIGNAL + NOISE, SIGNAL + 2 * NOISE)],
    "half": range(SIGNAL // 2),
}
FALSE_ALARM, OF_THESE = "false alarm", "of these trainings"
# What is estimated, as the first model minus the second.
ASKED = {
    "log_loss": ("full", None),
    "log_loss_difference": ("half", "full"),
    "null_difference": ("full", "rival"),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Battles:
    """Simulated battles: features [n, p], groups, true probabilities [n, 3] and labels."""

    features: np.ndarray
    groups: np.ndarray
    oracle: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Found:
    """An interval, the true value for the trainings of this data set, and any p-value."""

    low: float
    high: float
    truth: float
    p: float | None

    def holds(self, truth: float) -> bool:
        """Return whether the interval holds a value."""
        return self.low <= truth <= self.high


@threadpool_limits.wrap(limits=1)
def measure_cross_fitting(fractions: Mapping[str, float], datasets: int, seed: int) -> list[Row]:
    """Return a row for each size of the data.

    Args:
        fractions: of the splits, as `split_into_folds` takes them.
        datasets: the data sets of each row.
        seed: decides the data sets and the resamples.
    """
    population = draw_battles(POPULATION, np.random.default_rng([seed, 3]))
    rows = []
    for number, count in enumerate(ROWS):
        found = [
            _estimate(count, population, fractions, [seed, number, dataset, 3])
            for dataset in range(datasets)
        ]
        rows.append({"rows": count, "folds": FOLDS} | _summarize(found))
    return rows


def draw_battles(count: int, random: np.random.Generator) -> Battles:
    """Draw battles that one to `MOST_JUDGES` people judge, independently; those are a group."""
    groups = np.repeat(np.arange(count), random.integers(1, MOST_JUDGES, count, endpoint=True))
    groups = groups[:count]
    features = random.normal(size=(count, SIGNAL + 2 * NOISE))[groups]
    utility = EFFECT * features[:, :SIGNAL].sum(axis=1)
    logits = np.column_stack([utility, -utility, np.full(count, TIE)])
    oracle = softmax(logits, axis=1)
    labels = (random.random((count, 1)) > oracle.cumsum(axis=1)[:, :2]).sum(axis=1)
    return Battles(features, groups, oracle, labels)


def _estimate(
    count: int, population: Battles, fractions: Mapping[str, float], seed: list[int]
) -> dict[str, Found]:
    """Cross-fit all recipes on one data set, and estimate what is asked as the pipeline does."""
    battles = draw_battles(count, np.random.default_rng(seed))
    folds = split_into_folds(
        np.arange(count), battles.groups, battles.labels, fractions, FOLDS, seed[0]
    )
    members = [{name: splits[name]["id"].to_numpy() for name in splits} for splits in folds]
    fitted = {
        name: _cross_fit(features, battles, members, population)
        for name, features in RECIPES.items()
    }
    bootstrap = GroupBootstrap(battles.groups, RESAMPLES, seed)
    found = {}
    for asked, (first, second) in ASKED.items():
        losses, truth = fitted[first]
        if second is None:
            estimate = estimate_mean([bootstrap.means(losses)], bootstrap, LARGEST_LOG_LOSS)
            found[asked] = Found(estimate.low, estimate.high, truth, None)
        else:
            others, other = fitted[second]
            difference = paired_difference(losses[None], others[None], bootstrap)
            found[asked] = Found(difference.low, difference.high, truth - other, difference.p)
    return found


def _cross_fit(
    features: Sequence[int],
    battles: Battles,
    folds: Sequence[Mapping[str, np.ndarray]],
    population: Battles,
) -> tuple[np.ndarray, float]:
    """Return the loss of each battle, and the mean true log loss of the trainings."""
    losses, truths = np.empty(len(battles.labels)), []
    for members in folds:
        train, test = members["train"], members["test"]
        model = LogisticRegression().fit(
            battles.features[np.ix_(train, features)], battles.labels[train]
        )
        predicted = model.predict_proba(battles.features[np.ix_(test, features)])
        losses[test] = row_log_loss(battles.labels[test], predicted)
        log_probabilities = model.predict_log_proba(population.features[:, features])
        truths.append(-np.mean(np.sum(population.oracle * log_probabilities, axis=1)))
    return losses, float(np.mean(truths))


def _summarize(found: Sequence[Mapping[str, Found]]) -> Row:
    count, row = len(found), {}
    for asked in ASKED:
        one = [each[asked] for each in found]
        # By symmetry, the recipes of the null difference are worth the same.
        truth = 0.0 if asked == "null_difference" else float(np.mean([each.truth for each in one]))
        row[asked] = share_of(sum(each.holds(truth) for each in one), count) | {
            "truth": truth,
            OF_THESE: sum(each.holds(each.truth) for each in one) / count,
        }
    alarms = [each["null_difference"].p < SIGNIFICANCE_LEVEL for each in found]
    return row | {FALSE_ALARM: share_of(sum(alarms), count)}
