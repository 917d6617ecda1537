"""Battles of which the truth is known, and predictions that see all of it, a part, or nothing."""

from dataclasses import replace

import numpy as np

from preference.battles.predictions import Predictions
from preference.config.params import REFERENCES, EvaluationParams
from preference.evaluation.evaluate import evaluate_models
from preference.evaluation.scoring import Model, RunPredictions, Truth, score_models
from preference.statistics.calibration import fit_temperatures

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


def as_models(truth, predictions):
    """Take each for one training run, or a list for several, that no temperature changes."""
    models = {}
    for name, ones in predictions.items():
        ones = ones if isinstance(ones, list) else [ones]
        seeds = range(1, len(ones) + 1)
        runs = [RunPredictions(one, one, seed) for one, seed in zip(ones, seeds, strict=True)]
        fitted = [fit_temperatures(truth.labels, one) for one in ones]
        models[name] = Model(runs, runs, [1.0] * len(runs), fitted)
    return models


def evaluate(truth, predictions, slices=(), params=PARAMS):
    """The test battles are the calibration battles as well."""
    arms = [name for name in predictions if name not in ("length", "prior")]
    return evaluate_models(
        as_models(truth, predictions), arms, truth, truth, slices, params, seed=1
    )


def score(truth, predictions, **params):
    """Score models, of which the experiments have temperatures that a bundle was given."""
    raw = {name: [RunPredictions(one, one)] for name, one in predictions.items()}
    fitted = {
        name: [fit_temperatures(truth.labels, one)]
        for name, one in predictions.items()
        if name not in REFERENCES
    }
    return score_models(raw, fitted, truth, truth, replace(PARAMS, **params))
