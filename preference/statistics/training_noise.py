"""The noise of training: how a metric varies between training runs with different seeds.

The variance between the runs of an experiment is pooled over all experiments that have several, and
is taken for that of the others too: `deviation` is the standard deviation of a single run, with one
degree of freedom less for each experiment than it has runs. The runs of two experiments count as
independent, which overstates the noise of their difference where equal seeds make them alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StandardError:
    """A standard error, and the degrees of freedom of its estimate."""

    value: float
    freedom: int

    def times(self, factor: float) -> "StandardError":
        """Return the standard error of a multiple."""
        return StandardError(factor * self.value, self.freedom)

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Draw errors from the t distribution, float64 [count]."""
        return self.value * random.standard_t(self.freedom, count)


# The error of a model that was not trained with a seed, such as a reference.
NO_NOISE = StandardError(0.0, 1)


def pool_runs(metrics: Iterable[np.ndarray]) -> StandardError | None:
    """Return the standard deviation of a metric between runs, pooled over experiments.

    Args:
        metrics: of the training runs of each experiment, float64 [runs] each.

    Returns:
        The deviation of a single run; None, for unknown, where no experiment has two runs.
    """
    repeated = [values for values in metrics if len(values) > 1]
    if not repeated:
        return None
    freedom = sum(len(values) - 1 for values in repeated)
    squares = sum(np.sum((values - values.mean()) ** 2) for values in repeated)
    return StandardError(float(np.sqrt(squares / freedom)), freedom)


def add_noise(
    resampled: np.ndarray, error: StandardError | None, random: np.random.Generator
) -> np.ndarray:
    """Add the noise of training to the resamples of a metric, which have that of the battles.

    Args:
        resampled: the metric on the battles themselves, then on each resample, [1 + resamples].
        error: of the metric; None where it is unknown, and nothing is added.
        random: draws the errors.
    """
    if error is None or error.value == 0:
        return resampled
    noise = error.draw(len(resampled) - 1, random)
    return np.concatenate([resampled[:1], resampled[1:] + noise])
