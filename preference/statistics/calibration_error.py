"""How far predicted probabilities are from observed shares.

The expected calibration error: battles are sorted into bins of equally many by a predicted
probability, and the gaps between the mean prediction and the observed share are averaged. Top
label: of the probability of the predicted label (Guo et al., 2017, equation 3). Class-wise: of each
label's probability, averaged over the labels (Kull et al., 2019, equation 2).

Noise alone makes a gap in every bin, so the error of a perfectly calibrated model is not 0 either;
`error_if_calibrated` says how large it would be.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from preference.battles.predictions import Predictions
from preference.statistics.cluster_bootstrap import CONFIDENCE, Estimate, GroupBootstrap
from preference.statistics.metrics import CLASSES, ROUNDING, one_hot
from preference.statistics.seed_variance import mean_over_seeds

BINS = 10
DRAWS = 200


@dataclass(frozen=True)
class ReliabilityBin:
    """Battles of like confidence: mean confidence, accuracy with its interval, and how many.

    The bounds are None where the bin has no interval.
    """

    confidence: float
    accuracy: float
    low: float | None
    high: float | None
    rows: int


def top_label_gaps(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return confidence less hit, in the column of the battle's bin, else 0: [n, BINS]."""
    confidence, hit = top_label(labels, probabilities)
    return _in_bins(confidence) * (confidence - hit)[:, None]


def class_wise_gaps(observed: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return prediction less observation of each label, in its bin: [n, 3, BINS].

    Args:
        observed: of each label: 1 for the battle's label, else 0; or its true probability; [n, 3].
        probabilities: [n, 3].
    """
    gaps = [
        _in_bins(probabilities[:, label]) * (probabilities[:, label] - observed[:, label])[:, None]
        for label in CLASSES
    ]
    return np.stack(gaps, axis=1)


def calibration_error(mean_gaps: np.ndarray) -> np.ndarray:
    """Return the error from gaps averaged over battles, [..., BINS]: [...].

    The share of battles in a bin is in the average already. Of class-wise gaps it is each label's.
    """
    return np.abs(mean_gaps).sum(axis=-1)


def mean_calibration_error(mean_gaps: np.ndarray) -> np.ndarray:
    """Return the error averaged over the labels, from class-wise gaps [..., 3, BINS]: [...]."""
    return calibration_error(mean_gaps).mean(axis=-1)


def top_label(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of the predicted label, and whether it was right: both [n]."""
    return probabilities.max(axis=1), (probabilities.argmax(axis=1) == labels).astype(float)


def error_if_calibrated(
    probabilities: np.ndarray, random: np.random.Generator
) -> tuple[float, float]:
    """Return the mean top-label and class-wise errors if labels were drawn from the predictions."""
    steps = probabilities.cumsum(axis=1)
    errors = []
    for _ in range(DRAWS):
        labels = (random.random((len(steps), 1)) > steps[:, :-1]).sum(axis=1)
        top = calibration_error(top_label_gaps(labels, probabilities).mean(axis=0))
        by_label = calibration_error(class_wise_gaps(one_hot(labels), probabilities).mean(axis=0))
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
        mean = float(confidence[members].mean())
        count = int(rows[0, number])
        bins.append(ReliabilityBin(mean, estimate.value, estimate.low, estimate.high, count))
    return bins


def _in_bins(values: np.ndarray) -> np.ndarray:
    """Return [n, BINS] with 1 in the column of the value's bin; equal values share one."""
    edges = np.quantile(values, np.arange(1, BINS) / BINS)
    return np.eye(BINS)[np.searchsorted(edges, values, side="right")]


Measure = Callable[[np.ndarray], np.ndarray]

TOLERANCE = 1e-3


def estimate_error(
    gaps: Sequence[np.ndarray], measure: Measure, random: np.random.Generator
) -> Estimate:
    """Return the error, a mean over trainings, and its interval, which may begin at 0.

    The error itself, which holds the noise, may lie above the interval. There is no interval where
    the gaps of all resamples are equal, as where every battle has the same prediction and result.

    Args:
        gaps: of each training, those of the battles themselves first, then of each resample:
            [1 + resamples, ...].
        measure: makes errors [...] of gaps.
        random: draws the noise between trainings; not used where there is one.
    """
    observed = np.stack([measure(one[:1]) for one in gaps])
    noise = mean_over_seeds(np.repeat(observed, len(gaps[0]), axis=1), random)[1:]
    noise -= observed.mean()
    value = float(observed.mean())

    def surprise(scale: float, quantile: float) -> float:
        resampled = [measure(scale * one[0] + one[1:] - one[0]) for one in gaps]
        return float(np.quantile(np.mean(resampled, axis=0) + noise, quantile)) - value

    def bound(quantile: float) -> float:
        if surprise(0.0, quantile) >= 0:
            return 0.0
        highest = 1.0
        while surprise(highest, quantile) < 0:
            highest *= 2
        return value * brentq(surprise, 0.0, highest, args=(quantile,), xtol=TOLERANCE)

    tail = (1 - CONFIDENCE) / 2
    # An error that is small even for noise alone leaves no scale, and bounds the true one itself.
    low, high = bound(1 - tail), bound(tail) or value
    has_noise = high - low > ROUNDING
    return Estimate(value, *((low, high) if has_noise else (None, None)))


def summarize_calibration(
    labels: np.ndarray,
    trainings: Sequence[Predictions],
    bootstrap: GroupBootstrap,
    oracle: np.ndarray | None,
) -> dict[str, Any]:
    """Return the errors, means over trainings; the diagram is that of the first training.

    Args:
        labels: int [n].
        trainings: one a seed, of the n battles.
        bootstrap: of the n battles.
        oracle: the true probabilities [n, 3], where they are known: the class-wise error against
            them is `truth`, which has no noise of labels.
    """
    probabilities = [one.probabilities for one in trainings]
    top = [bootstrap.means(top_label_gaps(labels, predicted)) for predicted in probabilities]
    observed = one_hot(labels)
    class_wise = [
        bootstrap.means(class_wise_gaps(observed, predicted)) for predicted in probabilities
    ]
    floors = [error_if_calibrated(predicted, bootstrap.random) for predicted in probabilities]
    top_floor, class_wise_floor = np.mean(floors, axis=0).tolist()
    return {
        "top_label": {
            **_estimate(top, calibration_error, bootstrap),
            "if_calibrated": top_floor,
        },
        "class_wise": {
            **_estimate(class_wise, mean_calibration_error, bootstrap),
            "if_calibrated": class_wise_floor,
        },
        "truth": None if oracle is None else _against_truth(oracle, probabilities),
        "reliability": [asdict(one) for one in reliability(labels, probabilities[0], bootstrap)],
    }


def _estimate(
    gaps: Sequence[np.ndarray], measure: Measure, bootstrap: GroupBootstrap
) -> dict[str, float | None]:
    """Return the error with its interval, or without one where there are too few groups.

    The noise of few seeds is wide: bounds are cut at 1, which the error cannot exceed.
    """
    estimate = estimate_error(gaps, measure, bootstrap.random)
    if estimate.low is None or not bootstrap.has_enough_groups():
        return {"value": estimate.value, "low": None, "high": None}
    low, high = min(estimate.low, 1.0), min(estimate.high, 1.0)
    return {"value": estimate.value, "low": low, "high": high}


def _against_truth(oracle: np.ndarray, probabilities: Sequence[np.ndarray]) -> float:
    errors = [
        mean_calibration_error(class_wise_gaps(oracle, predicted).mean(axis=0))
        for predicted in probabilities
    ]
    return float(np.mean(errors))
