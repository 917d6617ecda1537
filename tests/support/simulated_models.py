"""Simulated battles, and predictions that know all of the oracle, a part of it, or nothing."""

from dataclasses import replace

import numpy as np

from preference.battles.predictions import Predictions
from preference.config.params import EvaluationParams
from preference.evaluation.blend import BlendFit, Mix
from preference.evaluation.evaluate import evaluate_models
from preference.evaluation.scoring import (
    Model,
    RunPredictions,
    average_orders,
    fit_blend_weights,
    score_models,
)
from preference.evaluation.targets import Oracle, Targets
from preference.statistics.calibration import fit_temperatures

PARAMS = EvaluationParams(
    resamples=300, both_orders=False, blend=[], smallest_difference=0.001, known_prompts=[]
)


def probabilities_of(log_odds):
    exponentials = np.exp(
        np.column_stack([log_odds / 2, -log_odds / 2, np.full(len(log_odds), -0.2)])
    )
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def simulate(rows, seed=0, scale=2.0):
    """Return targets, and models that know all of their oracle, its surface part, or nothing."""
    random = np.random.default_rng(seed)
    surface, agreement = random.normal(scale=scale, size=(2, rows))
    oracle = probabilities_of(surface + agreement)
    labels = (random.random((rows, 1)) > oracle.cumsum(axis=1)).sum(axis=1)
    ids = np.arange(rows) + 10
    groups, near_duplicate = np.arange(rows) // 2, np.zeros(rows, bool)
    has_ties = np.ones(rows, dtype=bool)
    targets = Targets(ids, labels, groups, near_duplicate, has_ties, Oracle(oracle, agreement))
    seen = {"exp1": surface + agreement, "length": surface, "prior": np.zeros(rows)}
    return targets, {name: make_predictions(ids, odds) for name, odds in seen.items()}


def make_predictions(ids, log_odds):
    probabilities = probabilities_of(log_odds)
    return Predictions(ids, probabilities, swapped=probabilities)


def without_oracle(targets):
    return replace(targets, oracle=None)


def without_agreement(targets):
    oracle = replace(targets.oracle, agreement=np.zeros(len(targets.ids)))
    return replace(targets, oracle=oracle)


def log_odds_of(targets):
    """The true log(P(A) / P(B)) of each battle."""
    return np.log(targets.oracle.probabilities[:, 0] / targets.oracle.probabilities[:, 1])


def as_models(targets, predictions):
    """Make models of one training run, or of a list of them, that are scored as they are."""
    models = {}
    for name, ones in predictions.items():
        ones = ones if isinstance(ones, list) else [ones]
        seeds = range(1, len(ones) + 1)
        runs = [RunPredictions(one, one, seed) for one, seed in zip(ones, seeds, strict=True)]
        averaged = [average_orders(run) for run in runs]
        models[name] = Model(runs, runs, averaged, [1.0] * len(runs), [run.seed for run in runs])
    return models


def evaluate(targets, predictions, slices=(), params=PARAMS):
    """Evaluate models on battles that are both the calibration and the test split."""
    experiments = [name for name in predictions if name not in ("length", "prior")]
    return evaluate_models(
        as_models(targets, predictions), experiments, targets, targets, slices, {}, params, seed=1
    )


def score(targets, predictions, both_orders=False, blend=()):
    """Score models and the blend of some; return also the weights of the blend."""
    raw = {name: [RunPredictions(one, one)] for name, one in predictions.items()}
    fitted = {name: [fit_temperatures(targets.labels, one)] for name, one in predictions.items()}
    fit = fit_blend(targets, {name: raw[name] for name in blend}, fitted) if blend else None
    models = score_models(raw, fitted, targets, targets, both_orders, fit)
    return models, dict(fit.mix(both_orders).weights) if fit else {}


def fit_blend(targets, raw, fitted):
    """Fit the blend of all models, as the stage `blend` does."""

    def mix(both_orders):
        weights, mixed = fit_blend_weights(raw, fitted, targets, both_orders)
        temperatures = fit_temperatures(targets.labels, mixed)
        temperature = temperatures.both_orders if both_orders else temperatures.in_order
        return Mix(weights=weights, temperature=temperature)

    models = {name: ["0" * 64] for name in raw}
    return BlendFit(models=models, in_order=mix(False), both_orders=mix(True))
