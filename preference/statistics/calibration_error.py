"""The expected calibration error: how far predicted probabilities are from observed frequencies.

Battles are sorted into bins of equal size by a predicted probability. The error is the mean gap
between the mean prediction and the observed frequency of a bin. The top-label error uses the
probability of the predicted label (Guo et al., 2017, equation 3). The class-wise error uses the
probability of each label, and is averaged over the labels (Kull et al., 2019, equation 2).

Noise alone makes a gap in every bin, so that even a perfectly calibrated model has an error above
0; `error_if_calibrated` returns that error. It draws one label for each battle: the shares of soft
labels have less noise, so that it is too high for them.

What is observed of a soft label is the share of each label, and of the predicted label its share.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.optimize import brentq

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import to_shares
from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL, Estimate, GroupBootstrap
from preference.statistics.metrics import CLASSES, ROUNDING, one_hot
from preference.statistics.training_noise import StandardError, add_noise

BINS = 10
DRAWS = 200
# Gaps are so large here that the noise of a resample changes the sign of none.
FAR_FROM_ZERO = 1e6
TOLERANCE = 1e-3

# From gaps averaged over battles, [..., BINS] or [..., 3, BINS], to errors [...].
Measure = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ReliabilityBin:
    """A bin of battles with similar confidence: their mean confidence, accuracy and number.

    `low` and `high` bound the accuracy; they are None where the bin has no interval.
    """

    confidence: float
    accuracy: float
    low: float | None
    high: float | None
    rows: int


def top_label_gaps(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return confidence minus hit in the column of the bin of each battle, else 0: [n, BINS]."""
    confidence, hit = top_label(labels, probabilities)
    return _in_bins(confidence) * (confidence - hit)[:, None]


def class_wise_gaps(observed: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return prediction minus observation of each label, in the column of its bin: [n, 3, BINS].

    Args:
        observed: the share of each label, or its true probability, [n, 3].
        probabilities: [n, 3].
    """
    gaps = [
        _in_bins(probabilities[:, label]) * (probabilities[:, label] - observed[:, label])[:, None]
        for label in CLASSES
    ]
    return np.stack(gaps, axis=1)


def calibration_error(mean_gaps: np.ndarray) -> np.ndarray:
    """Return the error, [...], from gaps that are averaged over all battles, [..., BINS].

    The average over all battles already weighs each bin by its number of battles.
    """
    return np.abs(mean_gaps).sum(axis=-1)


def mean_calibration_error(mean_gaps: np.ndarray) -> np.ndarray:
    """Return the class-wise error, [...], from gaps averaged over battles, [..., 3, BINS]."""
    return calibration_error(mean_gaps).mean(axis=-1)


def top_label(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of the predicted label, and its share in the actual one: both [n]."""
    predicted = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), to_shares(labels)[np.arange(len(labels)), predicted]


def error_if_calibrated(
    probabilities: np.ndarray, random: np.random.Generator, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the mean top-label and class-wise errors if labels were drawn from the predictions."""
    steps = probabilities.cumsum(axis=1)
    errors = []
    for _ in range(DRAWS):
        labels = (random.random((len(steps), 1)) > steps[:, :-1]).sum(axis=1)
        top = calibration_error(_average(top_label_gaps(labels, probabilities), weights))
        gaps = class_wise_gaps(one_hot(labels), probabilities)
        by_label = calibration_error(_average(gaps, weights))
        errors.append((top, by_label.mean()))
    top, class_wise = np.mean(errors, axis=0)
    return float(top), float(class_wise)


def reliability(
    labels: np.ndarray, probabilities: np.ndarray, bootstrap: GroupBootstrap
) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram of the predicted label, least confident first."""
    confidence, hit = top_label(labels, probabilities)
    member = _in_bins(confidence)
    rows = bootstrap.totals(member)
    with np.errstate(invalid="ignore"):
        accuracy = bootstrap.totals(member * hit[:, None]) / rows
    bins = []
    for number in np.flatnonzero(rows[0]):
        members = member[:, number] > 0
        estimate = bootstrap.interval(accuracy[:, number], members)
        weights = bootstrap.battle_weights
        chosen = None if weights is None else weights[members]
        mean = float(np.average(confidence[members], weights=chosen))
        count = int(members.sum())
        bins.append(ReliabilityBin(mean, estimate.value, estimate.low, estimate.high, count))
    return bins


def _average(gaps: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return gaps [n, ...] averaged over the battles, [...]."""
    return np.average(gaps, axis=0, weights=weights)


def _in_bins(values: np.ndarray) -> np.ndarray:
    """Return [n, BINS] with 1 in the column of the bin of each value; equal values share a bin."""
    edges = np.quantile(values, np.arange(1, BINS) / BINS)
    return np.eye(BINS)[np.searchsorted(edges, values, side="right")]


def estimate_error(
    gaps: Sequence[np.ndarray],
    measure: Measure,
    random: np.random.Generator,
    error: StandardError | None = None,
) -> Estimate:
    """Return the mean error over training runs, and the interval of the true error.

    The interval holds the true errors under which an estimate like this one is neither too rare nor
    too frequent, and, although noise raises it above most of these, the estimate itself. For each
    such error, the observed gaps are multiplied by a scale, and the deviations of the resamples are
    added. Noise also makes some observed gaps smaller than the true ones, so that this can count
    too much of the error as noise: the upper bound is at least that of an error without such bias,
    all of whose gaps are far from zero. There is no interval where nothing varies: where training
    has no noise, and the gaps of all resamples are equal, as where every battle has the same
    prediction and result.

    Args:
        gaps: of each training run, averaged over the battles themselves first, then over those of
            each resample: [1 + resamples, ...].
        measure: computes errors from gaps.
        random: draws the noise of training.
        error: the noise of training in the mean; None where it is unknown.
    """
    value = float(np.mean([measure(one[0]) for one in gaps]))
    noise = add_noise(np.zeros(len(gaps[0])), error, random)[1:]

    def excess(scale: float, quantile: float) -> float:
        resampled = [measure(scale * one[0] + one[1:] - one[0]) for one in gaps]
        return float(np.quantile(np.mean(resampled, axis=0) + noise, quantile)) - value

    def bound(quantile: float) -> float:
        # Gaps of zero stay zero whatever the scale, and say nothing about larger errors.
        if value <= ROUNDING or excess(0.0, quantile) >= 0:
            return 0.0
        highest = 1.0
        while excess(highest, quantile) < 0:
            highest *= 2
        return value * brentq(excess, 0.0, highest, args=(quantile,), xtol=TOLERANCE)

    def unbiased_bound(quantile: float) -> float:
        # The direction of a gap of exactly zero is unknown, and either gives the same error.
        far = [FAR_FROM_ZERO * np.where(one[0] < 0, -1.0, 1.0) for one in gaps]
        deviations = [
            measure(start + (one[1:] - one[0])) - measure(start)
            for start, one in zip(far, gaps, strict=True)
        ]
        return value - float(np.quantile(np.mean(deviations, axis=0) + noise, quantile))

    tail = (1 - CONFIDENCE_LEVEL) / 2
    low = min(bound(1 - tail), value)
    high = max(bound(tail), unbiased_bound(tail), value)
    has_noise = high - low > ROUNDING
    return Estimate(value, *((low, high) if has_noise else (None, None)))


def calibration_errors(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Return the errors `top_label` and `class_wise` on the battles themselves."""
    top = _average(top_label_gaps(labels, probabilities), weights)
    class_wise = _average(class_wise_gaps(to_shares(labels), probabilities), weights)
    return {
        "top_label": float(calibration_error(top)),
        "class_wise": float(mean_calibration_error(class_wise)),
    }


def summarize_calibration(
    labels: np.ndarray,
    runs: Sequence[Predictions],
    bootstrap: GroupBootstrap,
    oracle: np.ndarray | None,
    errors: Mapping[str, StandardError | None] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return errors, means over training runs, and the reliability diagram of the first run.

    Args:
        labels: int [n], or shares, float64 [n, 3].
        runs: the predictions of each training run, of the n battles.
        bootstrap: over the groups of the n battles, with their weights.
        oracle: the true probabilities [n, 3], where they are known. The class-wise error against
            them is `truth`, which has no noise of labels.
        errors: the noise of training in the mean `top_label` and `class_wise`, as far as there is
            any.
    """
    probabilities = [run.probabilities for run in runs]
    top = [bootstrap.means(top_label_gaps(labels, predicted)) for predicted in probabilities]
    observed = to_shares(labels)
    class_wise = [
        bootstrap.means(class_wise_gaps(observed, predicted)) for predicted in probabilities
    ]
    weights = bootstrap.battle_weights
    floors = [error_if_calibrated(one, bootstrap.random, weights) for one in probabilities]
    top_floor, class_wise_floor = np.mean(floors, axis=0).tolist()
    return {
        "top_label": {
            **_estimate(top, calibration_error, bootstrap, errors.get("top_label")),
            "if_calibrated": top_floor,
        },
        "class_wise": {
            **_estimate(class_wise, mean_calibration_error, bootstrap, errors.get("class_wise")),
            "if_calibrated": class_wise_floor,
        },
        "truth": None if oracle is None else _against_truth(oracle, probabilities),
        "reliability": [asdict(one) for one in reliability(labels, probabilities[0], bootstrap)],
    }


def _estimate(
    gaps: Sequence[np.ndarray],
    measure: Measure,
    bootstrap: GroupBootstrap,
    error: StandardError | None,
) -> dict[str, float | None]:
    """Return the error with its interval, or without one where there are too few groups.

    The t distribution of few runs is wide: bounds are clipped at 1, the largest possible error.
    """
    estimate = estimate_error(gaps, measure, bootstrap.random, error)
    low, high = estimate.low, estimate.high
    if low is None or high is None or not bootstrap.has_enough_groups():
        return {"value": estimate.value, "low": None, "high": None}
    return {"value": estimate.value, "low": min(low, 1.0), "high": min(high, 1.0)}


def _against_truth(oracle: np.ndarray, probabilities: Sequence[np.ndarray]) -> float:
    errors = [
        mean_calibration_error(class_wise_gaps(oracle, predicted).mean(axis=0))
        for predicted in probabilities
    ]
    return float(np.mean(errors))
