"""From the predictions of training runs to the calibrated predictions that are scored.

A model has one training run, or one for each of its seeds. Where `evaluation.both_orders` asks for
it, the predictions for both orders of the answers are averaged. The temperature of the run, which
was fitted on the calibration split, is applied afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from preference.battles.predictions import (
    Predictions,
    average_both_orders,
    check_predictions,
    map_probabilities,
)
from preference.evaluation.blend import BLEND, BlendFit
from preference.evaluation.targets import Targets
from preference.statistics.calibration import Temperatures, fit_temperatures
from preference.statistics.mix_weights import fit_weights
from preference.statistics.temperature_scaling import apply_temperature


@dataclass(frozen=True)
class RunPredictions:
    """The predictions of one training run for the calibration and the test split.

    `seed` is None for references, blends and the oracle, which have no training runs.
    """

    calibration: Predictions
    test: Predictions
    seed: int | None = None


@dataclass(frozen=True)
class Model:
    """The training runs of a model, before and after calibration.

    `raw` has the orders averaged where that is asked for, but no temperature applied; `scored` has
    both. `averaged` is `scored` as if both orders had been asked for. `temperatures` are those of
    `scored`, with the `seeds` of their training runs. All have one item for each run; with folds,
    the first three have one for each repetition, which joins the runs on all folds.
    """

    raw: Sequence[RunPredictions]
    scored: Sequence[RunPredictions]
    averaged: Sequence[RunPredictions]
    temperatures: Sequence[float]
    seeds: Sequence[int | str | None]


def score_models(
    raw: Mapping[str, Sequence[RunPredictions]],
    fitted: Mapping[str, Sequence[Temperatures]],
    calibration: Targets,
    test: Targets,
    both_orders: bool,
    blend: BlendFit | None,
) -> dict[str, Model]:
    """Calibrate all models, and mix those of the blend.

    Args:
        raw: the training runs of each experiment, and the single one of each reference.
        fitted: the temperatures of these runs.
        calibration: the targets of the calibration split. Its labels are not used.
        test: the targets of the test split. Its labels are not used.
        both_orders: whether to average both orders.
        blend: the fitted blend, or None where there is none.

    Returns:
        The models, the blend last.

    Raises:
        BadInput: predictions are not those of the battles of the split, or are not probabilities.
    """
    for name, runs in raw.items():
        _check(name, runs, calibration, test)
    models = {name: _score(runs, fitted[name], both_orders) for name, runs in raw.items()}
    if blend is not None:
        models[BLEND] = _score_blend(blend, models, both_orders)
        _check(BLEND, models[BLEND].scored, calibration, test)
    return models


def join_folds(folds: Sequence[Mapping[str, Model]]) -> dict[str, Model]:
    """Join the models of all folds, so that each repetition has a prediction of every battle.

    The battles are in the order of the folds. A battle is in calibration of several folds.
    """
    if len(folds) == 1:
        return dict(folds[0])
    return {name: _join([models[name] for models in folds]) for name in folds[0]}


def _join(folds: Sequence[Model]) -> Model:
    repetitions = range(len(folds[0].raw))

    def join(runs: Sequence[Sequence[RunPredictions]]) -> list[RunPredictions]:
        return [_concatenate([of_fold[number] for of_fold in runs]) for number in repetitions]

    runs = [
        (f"fold {fold}" if model.seeds[number] is None else model.seeds[number], temperature)
        for number in repetitions
        for fold, model in enumerate(folds, start=1)
        for temperature in [model.temperatures[number]]
    ]
    return Model(
        raw=join([model.raw for model in folds]),
        scored=join([model.scored for model in folds]),
        averaged=join([model.averaged for model in folds]),
        temperatures=[temperature for _, temperature in runs],
        seeds=[seed for seed, _ in runs],
    )


def _concatenate(runs: Sequence[RunPredictions]) -> RunPredictions:
    def join(parts: Sequence[Predictions]) -> Predictions:
        return Predictions(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.swapped for part in parts]),
        )

    return RunPredictions(
        join([run.calibration for run in runs]), join([run.test for run in runs]), runs[0].seed
    )


def fit_references(
    references: Mapping[str, Sequence[RunPredictions]], calibration: Targets
) -> dict[str, list[Temperatures]]:
    """Fit the temperatures of the references, which have no bundles, on calibration."""
    labels, weights = calibration.labels, calibration.weights
    return {
        name: [fit_temperatures(labels, run.calibration, weights) for run in runs]
        for name, runs in references.items()
    }


def fit_blend_weights(
    raw: Mapping[str, Sequence[RunPredictions]],
    fitted: Mapping[str, Sequence[Temperatures]],
    calibration: Targets,
    both_orders: bool,
) -> tuple[dict[str, float], Predictions]:
    """Fit the weights of a blend for one way to predict.

    Args:
        raw: the training runs of the models to mix.
        fitted: the temperatures of these runs.
        calibration: the targets of the calibration split.
        both_orders: whether to average both orders.

    Returns:
        The weights, and the mix of the predictions of calibration, before its temperature.

    Raises:
        BadInput: predictions are not those of the battles of the split, or are not probabilities.
    """
    for name, runs in raw.items():
        for run in runs:
            check_predictions(name, run.calibration, calibration.ids)
    parts = {
        name: _average_runs(_calibrate(runs, fitted[name], both_orders))
        for name, runs in raw.items()
    }
    probabilities = {name: part.calibration.probabilities for name, part in parts.items()}
    weights = fit_weights(calibration.labels, probabilities, battle_weights=calibration.weights)
    return weights, _mix(parts, weights).calibration


def _score(
    runs: Sequence[RunPredictions], fitted: Sequence[Temperatures], both_orders: bool
) -> Model:
    averaged = _calibrate(runs, fitted, both_orders=True)
    return Model(
        raw=[average_orders(run) for run in runs] if both_orders else runs,
        scored=averaged if both_orders else _calibrate(runs, fitted, both_orders=False),
        averaged=averaged,
        temperatures=[_temperature(one, both_orders) for one in fitted],
        seeds=[run.seed for run in runs],
    )


def _score_blend(blend: BlendFit, models: Mapping[str, Model], both_orders: bool) -> Model:
    def mix(averaged: bool) -> RunPredictions:
        weights = blend.mix(averaged).weights
        parts = {
            name: _average_runs(models[name].averaged if averaged else models[name].scored)
            for name in weights
        }
        return _mix(parts, weights)

    fitted = [blend.temperatures()]
    averaged = mix(averaged=True)
    raw = averaged if both_orders else mix(averaged=False)
    return Model(
        raw=[raw],
        scored=_calibrate([raw], fitted, both_orders),
        averaged=_calibrate([averaged], fitted, both_orders=True),
        temperatures=[_temperature(one, both_orders) for one in fitted],
        seeds=[None],
    )


def _calibrate(
    runs: Sequence[RunPredictions], fitted: Sequence[Temperatures], both_orders: bool
) -> list[RunPredictions]:
    """Apply the temperature of each training run, after the orders were averaged if asked for."""
    return [
        _map(
            average_orders(run) if both_orders else run,
            partial(apply_temperature, temperature=_temperature(one, both_orders)),
        )
        for run, one in zip(runs, fitted, strict=True)
    ]


def average_orders(run: RunPredictions) -> RunPredictions:
    """Average the predictions for both orders of the answers, which are equal afterwards."""
    return RunPredictions(
        average_both_orders(run.calibration), average_both_orders(run.test), run.seed
    )


def _temperature(fitted: Temperatures, both_orders: bool) -> float:
    return fitted.both_orders if both_orders else fitted.in_order


def _mix(parts: Mapping[str, RunPredictions], weights: Mapping[str, float]) -> RunPredictions:
    return _weigh_runs(list(parts.values()), [weights[name] for name in parts])


def _average_runs(runs: Sequence[RunPredictions]) -> RunPredictions:
    return _weigh_runs(runs, [1 / len(runs)] * len(runs))


def _weigh_runs(runs: Sequence[RunPredictions], weights: Sequence[float]) -> RunPredictions:
    def mean(predictions: Sequence[Predictions]) -> Predictions:
        return Predictions(
            predictions[0].ids,
            np.tensordot(weights, [one.probabilities for one in predictions], axes=1),
            np.tensordot(weights, [one.swapped for one in predictions], axes=1),
        )

    return RunPredictions(mean([run.calibration for run in runs]), mean([run.test for run in runs]))


def _map(run: RunPredictions, change: Callable[[np.ndarray], np.ndarray]) -> RunPredictions:
    return RunPredictions(
        map_probabilities(run.calibration, change), map_probabilities(run.test, change), run.seed
    )


def _check(name: str, runs: Sequence[RunPredictions], calibration: Targets, test: Targets) -> None:
    for run in runs:
        check_predictions(name, run.calibration, calibration.ids)
        check_predictions(name, run.test, test.ids)
