"""A population with its models, and the true value of every metric that is estimated."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from checks.interval_coverage.models import (
    NULL_PAIR,
    RIVAL,
    Models,
    fixed_models,
    train,
)
from checks.interval_coverage.population import Population
from checks.interval_coverage.truth import expected_calibration, expected_figures, expected_log_loss

FIGURE_MODELS = ("surface-only", "overconfident", "noisy")
CALIBRATION_MODELS = ("oracle", "half blind", "overconfident")
DIFFERENCES = ((NULL_PAIR, RIVAL), ("better", RIVAL), (RIVAL, "oracle"))
# A model that is trained with several seeds for each data set, and one of the same recipe that is
# trained once: the noise of training is estimated from the former, and assumed of the latter.
TRAINED, SEEDS = "four seeds", 4
ONCE = "one seed"

# The name of one or two models, and the name of the metric.
Figure = tuple[str, str]


@dataclass(frozen=True)
class World:
    """A population, with predictions for all of its battles.

    Attributes:
        population: the battles.
        models: the predictions of each model.
        truth: the true value of each metric.
        seed_sd: the standard deviation of the expected log loss between training runs.
    """

    population: Population
    models: Models
    truth: Mapping[Figure, float]
    seed_sd: float


def build_world(population: Population, seeds: int, random: np.random.Generator) -> World:
    """Make the models, and compute the truth.

    Args:
        population: the battles.
        seeds: the seeds over which the truth of the models that are trained is averaged.
        random: trains them.
    """
    models, oracle = fixed_models(population), population.oracle
    losses = {name: expected_log_loss(oracle, one.probabilities) for name, one in models.items()}
    trainings = [expected_figures(oracle, train(models[RIVAL], random)) for _ in range(seeds)]
    trained = {name: float(np.mean([one[name] for one in trainings])) for name in trainings[0]}
    truth = {
        **{(model, name): value for model in (TRAINED, ONCE) for name, value in trained.items()},
        difference(TRAINED, RIVAL): trained["log_loss"] - losses[RIVAL],
        difference(ONCE, TRAINED): 0.0,
        **{difference(*pair): losses[pair[0]] - losses[pair[1]] for pair in DIFFERENCES},
    }
    for model in FIGURE_MODELS:
        figures = expected_figures(oracle, models[model])
        truth |= {(model, name): value for name, value in figures.items()}
    for model in CALIBRATION_MODELS:
        errors = expected_calibration(oracle, models[model].probabilities)
        truth |= {(model, name): value for name, value in errors.items()}
    seed_sd = float(np.std([one["log_loss"] for one in trainings]))
    return World(population, models, truth, seed_sd)


def difference(first: str, second: str) -> Figure:
    """Return the key of the difference of two models."""
    return f"{first} \N{MINUS SIGN} {second}", "log_loss_difference"
