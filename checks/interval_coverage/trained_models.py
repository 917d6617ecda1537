"""The models that are trained anew for each data set, and the noise of training in them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from checks.interval_coverage.models import RIVAL, Models, train
from checks.interval_coverage.world import ONCE, SEEDS, TRAINED
from preference.battles.predictions import Predictions
from preference.evaluation.model_noise import ModelNoise
from preference.evaluation.model_summary import row_losses
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metric_estimates import resample_metrics
from preference.statistics.training_noise import StandardError, pool_runs

AGAIN = f"{TRAINED}, again"
RUNS = {TRAINED: SEEDS, AGAIN: SEEDS, ONCE: 1}


@dataclass(frozen=True)
class TrainedModels:
    """Training runs of one recipe on one data set.

    Attributes:
        runs: the predictions of the runs of each model in `RUNS`.
        labels: of the battles, int [n].
    """

    runs: Mapping[str, list[Predictions]]
    labels: np.ndarray

    def losses(self, name: str) -> np.ndarray:
        """Return the row losses of each run of a model, float64 [runs, n]."""
        return row_losses(self.labels, self.runs[name])

    def noise_of_metrics(self, name: str) -> dict[str, StandardError | None]:
        """Return the noise of training in each metric of a model, as far as `TRAINED` shows it."""
        as_they_are = GroupBootstrap(np.arange(len(self.labels)), resamples=0, seed=0)
        measured = [resample_metrics(self.labels, run, as_they_are) for run in self.runs[TRAINED]]
        noise = ModelNoise({TRAINED: SEEDS, ONCE: 1}, {})
        return {
            metric: noise.of_model(
                name, pool_runs([np.array([run[metric][0] for run in measured])])
            )
            for metric in measured[0]
        }

    def noise_of_difference(self, name: str, other: str) -> StandardError | None:
        """Return the noise of training in the log loss of `name` minus that of `other`.

        It is pooled over those of the two that have several runs, and over `TRAINED`. `other` may
        be a model that is not trained.
        """
        repeated = {one for one in (TRAINED, name, other) if RUNS.get(one, 1) > 1}
        noise = ModelNoise({**{one: RUNS[one] for one in repeated}, ONCE: 1}, {})
        deviation = noise.pool({one: self.losses(one).mean(axis=1) for one in noise.runs})
        return noise.of_difference(name, other, deviation)


def train_models(models: Models, labels: np.ndarray, random: np.random.Generator) -> TrainedModels:
    """Train `RIVAL` as many times as `RUNS` says."""
    runs = {
        name: [train(models[RIVAL], random) for _ in range(count)] for name, count in RUNS.items()
    }
    return TrainedModels(runs, labels)
