"""Bradley-Terry ratings of models from battles, and their bootstrap.

The probability that A scores is the logistic function of the difference of two ratings, plus what
the difference in style adds (Bradley and Terry, 1952; Chiang et al., Chatbot Arena, 2024). A battle
has a score from 0 to 1 for A: a win is 1, a tie one half, and a prediction its expected score. A
normal prior so wide that it does not matter where a model has a few battles (`RIDGE`) keeps the
rating of a model finite that won or lost all of them. Ratings are in logits, and their mean is 0.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from preference.statistics.cluster_bootstrap import GroupBootstrap

# The inverse of the prior's variance: its standard deviation is 3.2 logits, about 550 points.
RIDGE = 0.1
# Newton's method converges in a few steps; the limit of a step guards against overshooting.
LONGEST_STEP, TOLERANCE, MOST_STEPS = 2.0, 1e-6, 100


@dataclass(frozen=True)
class Comparisons:
    """The battles of a leaderboard.

    Attributes:
        pairs: the numbers of the models A and B, int64 [n, 2].
        models: how many models there are.
        style: what differs between the answers A and B beside the model, float64 [n, k].
    """

    pairs: np.ndarray
    models: int
    style: np.ndarray


def plain(pairs: np.ndarray, models: int) -> Comparisons:
    """Return comparisons without style control."""
    return Comparisons(pairs, models, np.empty((len(pairs), 0)))


def fit_ratings(
    comparisons: Comparisons,
    scores: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return the ratings of the models, then the coefficients of the style: [models + k].

    Args:
        comparisons: n battles.
        scores: of A in each battle, float64 [n].
        weights: of the battles, float64 [n].
        start: where the search begins.
    """
    size = comparisons.models + comparisons.style.shape[1]
    fitted = np.zeros(size) if start is None else start.copy()
    for _ in range(MOST_STEPS):
        gradient, information = _derivatives(comparisons, scores, weights, fitted)
        step = np.linalg.solve(information, gradient)
        largest = np.abs(step).max()
        fitted += step * min(1.0, LONGEST_STEP / max(largest, TOLERANCE))
        if largest < TOLERANCE:
            return fitted
    raise ArithmeticError("the ratings do not converge")


def resample_ratings(
    comparisons: Comparisons, scores: np.ndarray, bootstrap: GroupBootstrap
) -> np.ndarray:
    """Return what `fit_ratings` returns for the battles themselves, then for each resample.

    Args:
        comparisons: n battles.
        scores: of A in each battle, float64 [n].
        bootstrap: over the groups of the n battles, with their weights.

    Returns:
        float64 [1 + resamples, models + k].
    """
    weights = np.ones(len(scores)) if bootstrap.battle_weights is None else bootstrap.battle_weights
    fitted = fit_ratings(comparisons, scores, weights)
    resampled = [
        fit_ratings(comparisons, scores, bootstrap.weights(number), start=fitted)
        for number in range(bootstrap.resamples)
    ]
    return np.stack([fitted, *resampled])


def _derivatives(
    comparisons: Comparisons, scores: np.ndarray, weights: np.ndarray, fitted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of the penalized log likelihood, and its negative second derivative."""
    models, style = comparisons.models, comparisons.style
    first, second = comparisons.pairs.T
    odds = fitted[first] - fitted[second] + style @ fitted[models:]
    expected = expit(odds)
    residual, curvature = weights * (scores - expected), weights * expected * (1 - expected)
    gradient = np.concatenate([_add_up(comparisons, residual), style.T @ residual])
    pairs = np.bincount(first * models + second, curvature, models**2).reshape(models, models)
    both = pairs + pairs.T
    across = np.empty((models, style.shape[1]))
    for number, one in enumerate(style.T):
        across[:, number] = _add_up(comparisons, curvature * one)
    information = np.block(
        [
            [np.diag(both.sum(axis=1)) - both, across],
            [across.T, style.T @ (curvature[:, None] * style)],
        ]
    )
    ridge = RIDGE * np.eye(len(fitted))
    return gradient - RIDGE * fitted, information + ridge


def _add_up(comparisons: Comparisons, values: np.ndarray) -> np.ndarray:
    """Sum values [n] over the battles of each model, positive as A and negative as B: [models]."""
    first, second = (np.bincount(side, values, comparisons.models) for side in comparisons.pairs.T)
    return first - second
