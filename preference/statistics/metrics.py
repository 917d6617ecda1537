"""Metrics of predictions.

`labels` is int [n], `probabilities` float64 [n, 3] in `LABELS` order, both with one row for each
battle. Log loss is in nats. Where the metric of a class is undefined, because the class does not
occur or is never predicted, macro F1 counts it as 0, and `class_figures` has None.
"""

import numpy as np

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
    return -np.log(clipped[np.arange(len(labels)), labels])


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean log loss, the metric of the competition; 1.0986 for a uniform prediction."""
    return float(row_log_loss(labels, probabilities).mean())


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the fraction of battles whose most probable label is the actual one."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def is_constant(probabilities: np.ndarray) -> bool:
    """Return whether all battles have the same prediction."""
    return bool(np.ptp(probabilities, axis=0).max() <= ROUNDING)


def class_figures(
    labels: np.ndarray, probabilities: np.ndarray
) -> dict[str, dict[str, float | None]]:
    """Return precision, recall, F1 and the number of battles of each label.

    Precision is None for a label that is never predicted, recall for one that does not occur, and
    F1 for one of which both are true.
    """
    # Imported here, because who only predicts needs no scikit-learn.
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=CLASSES, zero_division=np.nan
    )
    names = ("precision", "recall", "f1", "rows")
    return {
        label: dict(zip(names, (_or_none(column[index].item()) for column in columns), strict=True))
        for index, label in enumerate(LABELS)
    }


def confusion_counts(labels: np.ndarray, probabilities: np.ndarray) -> list[list[int]]:
    """Return counts [3][3], with a row for each actual and a column for each predicted label."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, probabilities.argmax(axis=1), labels=CLASSES).tolist()


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def standard_error(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the standard error of the mean of `values` [n], clustered by `groups` [n].

    Battles of one group share a prompt or an answer, so they count as one observation. For the
    differences between the row losses of two models, this is a paired standard error.

    Raises:
        ValueError: there are fewer than two groups.
    """
    _, members = np.unique(groups, return_inverse=True)
    sums = np.bincount(members, weights=values - values.mean())
    if len(sums) < 2:
        raise ValueError("a standard error over groups needs at least two groups")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))


def flips(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return for which battles the predicted label changes with the order: bool [n]."""
    return probabilities.argmax(axis=-1) != swapped.argmax(axis=-1)


def swap_difference(probabilities: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Return the mean absolute change of the three probabilities with the order: float64 [n]."""
    return np.abs(probabilities - swapped).mean(axis=-1)
