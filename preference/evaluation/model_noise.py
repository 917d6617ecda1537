"""The noise of training in the metrics of models.

A metric of an experiment is the mean over its training runs. A blend is a mix of experiments, and
to first order its metrics vary as that mix of theirs does. So the variance of a metric is that of a
single run, times the sum over experiments of weight² / runs; in the difference of two models, their
weights are subtracted first. References and the oracle are not trained with a seed.

With folds, a run is a repetition, which joins a training for each fold. Each fold has weights of
its own, and weight² is the mean over the folds.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from preference.statistics.training_noise import NO_NOISE, StandardError, pool_runs


class ModelNoise:
    """The noise of training of every model.

    Args:
        runs: the number of training runs of each experiment.
        blends: the weights of the experiments in each blend, one for each fold.
    """

    def __init__(
        self, runs: Mapping[str, int], blends: Mapping[str, Mapping[str, Sequence[float]]]
    ) -> None:
        self.runs = runs
        self._weights: dict[str, dict[str, np.ndarray]] = {
            **{name: {name: np.ones(1)} for name in runs},
            **{
                blend: {name: np.asarray(weight) for name, weight in weights.items()}
                for blend, weights in blends.items()
            },
        }

    def pool(self, metrics: Mapping[str, np.ndarray]) -> StandardError | None:
        """Return the deviation of a metric between runs; None where no experiment has two.

        Args:
            metrics: of the runs of each model, float64 [runs]; those of experiments count.
        """
        return pool_runs(metrics[name] for name in self.runs)

    def of_model(self, name: str, deviation: StandardError | None) -> StandardError | None:
        """Return the noise in a metric of a model, where a run has this deviation."""
        return self._scale(self._weights.get(name, {}), deviation)

    def of_difference(
        self, name: str, other: str, deviation: StandardError | None
    ) -> StandardError | None:
        """Return the noise in the difference of two models."""
        first, second = (self._weights.get(one, {}) for one in (name, other))
        none = np.zeros(1)
        weights = {one: first.get(one, none) - second.get(one, none) for one in {**first, **second}}
        return self._scale(weights, deviation)

    def of_change(self, name: str, deviation: StandardError | None) -> StandardError | None:
        """Return the noise in the difference of two versions of a model, trained apart."""
        of_model = self.of_model(name, deviation)
        return None if of_model is None else of_model.times(np.sqrt(2))

    def _scale(
        self, weights: Mapping[str, np.ndarray], deviation: StandardError | None
    ) -> StandardError | None:
        # References are in blends, too.
        squares = [
            np.mean(weight**2) / self.runs[name]
            for name, weight in weights.items()
            if name in self.runs
        ]
        factor = float(np.sqrt(sum(squares)))
        if factor == 0:
            return NO_NOISE
        return None if deviation is None else deviation.times(factor)
