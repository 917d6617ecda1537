"""Battles of which the truth is known, and predictions that see all of it, a part, or nothing."""

from dataclasses import replace

import numpy as np

from preference.battles.predictions import Predictions
from preference.config.params import EvaluationParams
from preference.evaluation.evaluate import evaluate_models
from preference.evaluation.scoring import Model, Training, Truth, score_models

PARAMS = EvaluationParams(resamples=300, both_orders=False, blend=[])


def probabilities_of(log_odds):
    exponentials = np.exp(
        np.column_stack([log_odds / 2, -log_odds / 2, np.full(len(log_odds), -0.2)])
    )
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def simulate(rows, seed=0, scale=2.0):
    """Return the truth, and models that see all of it, its surface, or nothing."""
    random = np.random.default_rng(seed)
    surface, agreement = random.normal(scale=scale, size=(2, rows))
    oracle = probabilities_of(surface + agreement)
    labels = (random.random((rows, 1)) > oracle.cumsum(axis=1)).sum(axis=1)
    ids = np.arange(rows) + 10
    truth = Truth(ids, labels, np.arange(rows) // 2, np.zeros(rows, bool), oracle, agreement)
    seen = {"exp1": surface + agreement, "length": surface, "prior": np.zeros(rows)}
    return truth, {name: make_predictions(ids, odds) for name, odds in seen.items()}


def make_predictions(ids, log_odds):
    probabilities = probabilities_of(log_odds)
    return Predictions(ids, probabilities, swapped=probabilities)


def without_oracle(truth):
    return replace(truth, oracle=None, agreement=None)


def as_models(predictions):
    """Take each for one training, or a list for several, whose temperatures need no change."""
    models = {}
    for name, ones in predictions.items():
        ones = ones if isinstance(ones, list) else [ones]
        seeds = range(1, len(ones) + 1)
        trainings = [Training(one, one, seed) for one, seed in zip(ones, seeds, strict=True)]
        models[name] = Model(trainings, trainings, [1.0] * len(trainings))
    return models


def evaluate(truth, predictions, slices=(), params=PARAMS):
    """The test battles are the calibration battles as well."""
    arms = [name for name in predictions if name not in ("length", "prior")]
    return evaluate_models(as_models(predictions), arms, truth, truth, slices, params, seed=1)


def score(truth, predictions, **params):
    raw = {name: [Training(one, one)] for name, one in predictions.items()}
    return score_models(raw, truth, truth, replace(PARAMS, **params))
