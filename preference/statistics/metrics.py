"""Metrics of predictions.

`labels` is int [n] or, where labels are soft, their shares, float64 [n, 3]; `probabilities` is
float64 [n, 3] in `LABELS` order; both have one row for each battle. `weights`, float64 [n], is what
each battle counts for, None where all count for the same.

Log loss is in nats. That of a soft label is the cross-entropy, and a prediction is right where it
is the label with the largest share. Where the metric of a class is undefined, because the class
does not occur or is never predicted, macro F1 counts it as 0, and `class_figures` has None.
"""

from collections.abc import Sequence

import numpy as np

from preference.battles.soft_labels import label_codes, to_shares
from preference.battles.table import LABELS
from preference.battles.table import one_hot as one_hot

CLASSES = list(range(len(LABELS)))
# Probabilities are clipped here, because the log loss of 0 is infinite.
SMALLEST = np.finfo(np.float64).eps
LARGEST_LOG_LOSS = float(-np.log(SMALLEST))
# Networks predict in float32, so that smaller differences are due to rounding.
ROUNDING = 1e-6


def row_log_loss(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the log loss of each battle, float64 [n], clipped as scikit-learn clips it."""
    clipped = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    if labels.ndim == 2:
        return -np.sum(labels * np.log(clipped), axis=1)
    return -np.log(clipped[np.arange(len(labels)), labels])


def log_loss(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the mean log loss, the metric of the competition; 1.0986 for a uniform prediction."""
    return float(np.average(row_log_loss(labels, probabilities), weights=weights))


def accuracy(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the fraction of battles whose most probable label is the actual one."""
    return float(np.average(is_right(labels, probabilities), weights=weights))


def is_right(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return for which battles the most probable label is the actual one: bool [n]."""
    return probabilities.argmax(axis=1) == label_codes(labels)


def is_constant(probabilities: np.ndarray) -> bool:
    """Return whether all battles have the same prediction."""
    return bool(np.ptp(probabilities, axis=0).max() <= ROUNDING)


def count_impossible(labels: np.ndarray, predicted: Sequence[np.ndarray]) -> int:
    """Count the battles to whose label any of the predictions, each [n, 3], gives probability 0."""
    has_share = to_shares(labels) > 0
    impossible = [has_share & (probabilities <= SMALLEST) for probabilities in predicted]
    return int(np.any(impossible, axis=(0, 2)).sum())


def class_figures(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, dict[str, float | None]]:
    """Return precision, recall, F1 and the number of battles of each label.

    Weights count for all of them but the number.

    Precision is None for a label that is never predicted, recall for one that does not occur, and
    F1 for one of which both are true.
    """
    # Imported here, because who only predicts needs no scikit-learn.
    from sklearn.metrics import precision_recall_fscore_support

    codes = label_codes(labels)
    *columns, _ = precision_recall_fscore_support(
        codes,
        probabilities.argmax(axis=1),
        labels=CLASSES,
        zero_division=np.nan,
        sample_weight=weights,
    )
    columns.append(np.bincount(codes, minlength=len(LABELS)))
    names = ("precision", "recall", "f1", "rows")
    return {
        label: dict(zip(names, (_or_none(column[index].item()) for column in columns), strict=True))
        for index, label in enumerate(LABELS)
    }


def confusion_counts(labels: np.ndarray, probabilities: np.ndarray) -> list[list[int]]:
    """Return counts [3][3], with a row for each actual and a column for each predicted label."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(
        label_codes(labels), probabilities.argmax(axis=1), labels=CLASSES
    ).tolist()


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def standard_error(
    values: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the standard error of the mean of `values` [n], clustered by `groups` [n].

    Battles of one group share a prompt or an answer, so they count as one observation. For the
    differences between the row losses of two models, this is a paired standard error.

    Raises:
        ValueError: there are fewer than two groups.
    """
    _, members = np.unique(groups, return_inverse=True)
    deviations = values - np.average(values, weights=weights)
    total = len(values) if weights is None else weights.sum()
    sums = np.bincount(members, weights=deviations if weights is None else weights * deviations)
    if len(sums) < 2:
        raise ValueError("a standard error over groups needs at least two groups")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / total)


def flips(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return for which battles the predicted label changes with the order: bool [n]."""
    return probabilities.argmax(axis=-1) != swapped.argmax(axis=-1)


def swap_difference(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return the mean absolute change of the three probabilities with the order: float64 [n]."""
    return np.abs(probabilities - swapped).mean(axis=-1)
