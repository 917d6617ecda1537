"""How far predicted probabilities are from observed shares.

The expected calibration error: battles are sorted into bins of equally many by a predicted
probability, and the gaps between the mean prediction and the observed share are averaged. Top
label: of the probability of the predicted label (Guo et al., 2017, equation 3). Class-wise: of each
label's probability, averaged over the labels (Kull et al., 2019, equation 2).

Noise alone makes a gap in every bin, so the error of a perfectly calibrated model is not 0 either;
`error_if_calibrated` says how large it would be.
"""

from dataclasses import dataclass

import numpy as np

from preference.group_bootstrap import GroupBootstrap
from preference.metrics import CLASSES, one_hot

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
