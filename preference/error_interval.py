"""The interval of an error that noise alone makes larger than 0.

An error is a mean of absolute gaps. Noise adds to every gap, so the error's resamples all lie too
high, most of all where there is no true gap. So a test is inverted (Carpenter, Test inversion
bootstrap confidence intervals, 1999): the true gaps are taken to be the observed ones times a
scale, and the interval holds the scales with which the observed error would be no surprise.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from preference.group_bootstrap import CONFIDENCE, Estimate
from preference.metrics import ROUNDING
from preference.seed_noise import mean_over_seeds

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
