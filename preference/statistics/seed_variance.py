"""The noise of training once, apart from that of the battles.

An arm that is trained on several seeds is judged by the mean over its trainings. Two things move
that mean: which battles were drawn, and which seeds. The second is estimated by the standard
deviation between the trainings, with as many degrees of freedom as there are seeds, less one.
"""

import numpy as np


def mean_over_seeds(figures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the mean over trainings of a figure and of its resamples, with the seeds' noise.

    To each resample is added a draw from the t distribution of the mean over seeds, so that an
    interval of the resamples holds both kinds of noise.

    Args:
        figures: [seeds, 1 + resamples], the figure of the battles themselves first.
        random: draws the noise; not used where there is one seed.
    """
    means = figures.mean(axis=0)
    if len(figures) > 1:
        resamples = figures.shape[1] - 1
        noise = random.standard_t(len(figures) - 1, resamples)
        means[1:] += seed_error(figures[:, 0]) * noise
    return means


def seed_deviation(figures: np.ndarray) -> float | None:
    """Return the standard deviation between trainings of a figure [seeds]; None of a single one."""
    return float(figures.std(ddof=1)) if len(figures) > 1 else None


def seed_error(figures: np.ndarray) -> float:
    """Return the standard error that the seeds give to the mean of a figure [seeds]."""
    deviation = seed_deviation(figures)
    return 0.0 if deviation is None else deviation / np.sqrt(len(figures))
