"""Models that are fixed functions of a battle, each with another kind of error.

All have a position bias towards the first answer. Five of them have exactly the same expected log
loss, so that there is no true difference between them, although they disagree on single battles.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from checks.interval_coverage.population import Population
from checks.interval_coverage.truth import expected_log_loss
from preference.battles.predictions import Predictions
from preference.statistics.temperature_scaling import apply_temperature

NOISE = 0.7
# The position bias, in the log odds of the first answer.
ORDER_EFFECT = 0.2
# The difference of the expected log losses of `noisy` and `better`.
IMPROVEMENT = 0.02
SEED_EFFECT = 0.05

RIVAL = "noisy"
NULL_PAIR = "overconfident"
NULL_MODELS = (NULL_PAIR, "underconfident", "noisy again", "half blind")

Models = Mapping[str, Predictions]
Builder = Callable[[float], Predictions]


def fixed_models(population: Population) -> Models:
    """Return the predictions of every model for all n battles of the population.

    `oracle` is the truth, `surface-only` ignores the prompt, and `noisy` adds normal noise to the
    true logits. `NULL_MODELS` have the expected log loss of `noisy`: they are the truth made too
    sharp, made too flat, with other noise, and mixed with `surface-only`. `better` has other noise
    and an expected log loss that is lower by `IMPROVEMENT`.
    """
    oracle, surface = population.oracle, population.surface

    def heated(temperature: float) -> Predictions:
        return _both_orders(apply_temperature(oracle, temperature))

    def half_blind(blindness: float) -> Predictions:
        return _both_orders(blindness * surface + (1 - blindness) * oracle)

    rival = _both_orders(_shift(oracle, NOISE * population.noise[:, 0]))
    loss = expected_log_loss(oracle, rival.probabilities)
    return {
        "oracle": Predictions(rival.ids, oracle, swapped=oracle),
        "surface-only": _both_orders(surface),
        RIVAL: rival,
        "overconfident": _solve(heated, (0.1, 1.0), oracle, loss),
        "underconfident": _solve(heated, (1.0, 20.0), oracle, loss),
        "noisy again": with_noise(population, 1, loss),
        "half blind": _solve(half_blind, (0.0, 1.0), oracle, loss),
        "better": with_noise(population, 1, loss - IMPROVEMENT),
    }


def with_noise(population: Population, which: int, loss: float) -> Predictions:
    """Return the truth with one of the two noises on its logits, scaled to this log loss."""

    def noisy(weight: float) -> Predictions:
        return _both_orders(_shift(population.oracle, weight * population.noise[:, which]))

    return _solve(noisy, (0.0, 3.0), population.oracle, loss)


def take(predictions: Predictions, battles: np.ndarray) -> Predictions:
    """Return the predictions for the battles with these numbers, int [n]."""
    return Predictions(battles, predictions.probabilities[battles], predictions.swapped[battles])


def train(predictions: Predictions, random: np.random.Generator) -> Predictions:
    """Return the predictions of one training run of a model.

    The seed scales all logits, and adds a bias to each label, by normal noise with standard
    deviation `SEED_EFFECT`.
    """
    sharper, *bias = random.normal(scale=SEED_EFFECT, size=4)

    def change(probabilities: np.ndarray) -> np.ndarray:
        return _shift(apply_temperature(probabilities, np.exp(-sharper)), np.array(bias))

    return Predictions(
        predictions.ids, change(predictions.probabilities), change(predictions.swapped)
    )


def _both_orders(probabilities: np.ndarray) -> Predictions:
    first = np.array([ORDER_EFFECT, -ORDER_EFFECT, 0.0]) / 2
    return Predictions(
        np.arange(len(probabilities)), _shift(probabilities, first), _shift(probabilities, -first)
    )


def _shift(probabilities: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Add `shift` to the logits."""
    return softmax(np.log(probabilities) + shift, axis=-1)


def _solve(
    build: Builder, bounds: tuple[float, float], oracle: np.ndarray, loss: float
) -> Predictions:
    """Return the model of this kind whose expected log loss is `loss`."""
    root = brentq(
        lambda strength: expected_log_loss(oracle, build(strength).probabilities) - loss,
        *bounds,
        xtol=1e-12,
    )
    return build(root)
