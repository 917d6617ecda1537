"""Between-seed variance of a metric.

An experiment with several seeds is scored by the mean over its training runs. Which battles were
drawn and which seeds were used both move that mean. The variance due to seeds is estimated by the
standard deviation between the runs, with one degree of freedom less than there are seeds.
"""

import numpy as np


def mean_over_seeds(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the mean over training runs of a metric and of its resamples.

    A draw from the t distribution of the mean over seeds is added to each resample, so that an
    interval of the resamples covers the variance due to battles and that due to seeds.

    Args:
        values: [seeds, 1 + resamples], the metric on the battles themselves first.
        random: draws from the t distribution; not used where there is one seed.

    Returns:
        [1 + resamples].
    """
    means = values.mean(axis=0)
    if len(values) > 1:
        resamples = values.shape[1] - 1
        noise = random.standard_t(len(values) - 1, resamples)
        means[1:] += seed_error(values[:, 0]) * noise
    return means


def seed_deviation(values: np.ndarray) -> float | None:
    """Return the standard deviation of a metric [seeds] between runs; None for a single run."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def seed_error(values: np.ndarray) -> float:
    """Return the standard error of the mean of a metric [seeds] over runs; 0 for a single run."""
    deviation = seed_deviation(values)
    return 0.0 if deviation is None else deviation / np.sqrt(len(values))
