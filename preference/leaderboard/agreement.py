"""The rank correlation of two leaderboards, corrected for the noise of both.

Few battles make ratings so noisy that even two samples of the same votes are hardly correlated. So
the variances and the covariance of the ratings that noise alone explains, which the bootstrap
shows, are subtracted first (Spearman, 1904: the correction for attenuation). Each resample has the
noise twice, once of the battles and once of the resampling. What this adds to the correlation of
the ratings is added to that of their ranks, as for normal ratings (Pearson, 1907: 6 / pi times the
arc sine of half the correlation). Where noise explains all of the variance of a resample, its
correlation is 1 or -1, so that intervals grow as wide as the little that the battles show.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL, Estimate

# With fewer models, a correlation means nothing.
FEWEST_MODELS = 3


@dataclass(frozen=True)
class Agreement:
    """Spearman's correlation of the ratings as they are, and the corrected one.

    `corrected` is None where the noise explains all of the differences between the models.
    """

    observed: float | None
    corrected: Estimate | None


def compare_ratings(first: np.ndarray, second: np.ndarray) -> Agreement:
    """Compare two leaderboards of the same models, [1 + resamples, models] each.

    The first row of each is of the battles themselves, and the others of the same resamples. A
    rating that is known has no noise: its rows are equal.
    """
    if first.shape[1] < FEWEST_MODELS:
        return Agreement(None, None)
    observed = _correlation(*_moments(*(_centre(rankdata(one, axis=1)) for one in (first, second))))
    first, second = _centre(first), _centre(second)
    raw, signal = _moments(first, second), _subtract_noise(first, second)
    if np.isnan(observed[0]):
        return Agreement(None, None)
    if signal[0, 0] <= 0 or signal[1, 0] <= 0:
        return Agreement(float(observed[0]), None)
    corrected = np.nan_to_num(observed) + _of_ranks(*signal) - _of_ranks(*raw)
    ranks = np.where((signal[:2] > 0).all(axis=0), corrected, np.sign(signal[2])).clip(-1, 1)
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(ranks[1:], [tail, 1 - tail]).tolist()
    return Agreement(float(observed[0]), Estimate(float(ranks[0]), low, high))


def _centre(ratings: np.ndarray) -> np.ndarray:
    return ratings - ratings.mean(axis=1, keepdims=True)


def _moments(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return both variances and the covariance of centred ratings, [3, 1 + resamples]."""
    pairs = ((first, first), (second, second), (first, second))
    return np.stack([np.mean(one * other, axis=1) for one, other in pairs])


def _subtract_noise(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the moments without what noise explains: once, and twice in each resample."""
    deviations = [ratings[1:] - ratings[1:].mean(axis=0) for ratings in (first, second)]
    noise = _moments(*deviations).mean(axis=1)
    times = np.where(np.arange(len(first)) == 0, 1, 2)
    return _moments(first, second) - times * noise[:, None]


def _correlation(one: np.ndarray, other: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the correlation from two variances and the covariance; NaN where one has none."""
    scale = np.sqrt(one.clip(min=0) * other.clip(min=0))
    nothing = np.full_like(scale, np.nan)
    return np.divide(covariance, scale, out=nothing, where=scale > 0).clip(-1, 1)


def _of_ranks(one: np.ndarray, other: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the rank correlation of normal ratings with these moments, 0 where it is undefined."""
    return np.nan_to_num(6 / np.pi * np.arcsin(_correlation(one, other, covariance) / 2))
