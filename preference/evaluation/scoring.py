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
from preference.config.params import EvaluationParams
from preference.evaluation.blend import BLEND, choose_models, fit_weights
from preference.evaluation.targets import Targets
from preference.statistics.calibration import Temperatures, fit_temperatures
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
    both. `temperatures` are the applied ones, and `fitted` those for either way to predict. All
    have one item for each run.
    """

    raw: Sequence[RunPredictions]
    scored: Sequence[RunPredictions]
    temperatures: Sequence[float]
    fitted: Sequence[Temperatures]


def calibrate_model(
    raw: Sequence[RunPredictions], fitted: Sequence[Temperatures], both_orders: bool
) -> Model:
    """Apply the temperature of each training run.

    Args:
        raw: the runs of one model, with the orders averaged where that is asked for.
        fitted: the temperatures of each run.
        both_orders: whether `raw` averages both orders.
    """
    temperatures = [one.both_orders if both_orders else one.in_order for one in fitted]
    scored = [
        _map(run, partial(apply_temperature, temperature=temperature))
        for run, temperature in zip(raw, temperatures, strict=True)
    ]
    return Model(raw, scored, temperatures, fitted)


def average_orders(run: RunPredictions) -> RunPredictions:
    """Average the predictions for both orders of the answers, which are equal afterwards."""
    return RunPredictions(
        average_both_orders(run.calibration), average_both_orders(run.test), run.seed
    )


def score_models(
    raw: Mapping[str, Sequence[RunPredictions]],
    fitted: Mapping[str, Sequence[Temperatures]],
    calibration: Targets,
    test: Targets,
    params: EvaluationParams,
) -> tuple[dict[str, Model], dict[str, float]]:
    """Calibrate all models, and blend those that `evaluation.blend` names.

    Args:
        raw: the training runs of each experiment, and the single one of each reference.
        fitted: the temperatures of the runs of each experiment; those of references are fitted
            here.
        calibration: the targets of the calibration split.
        test: the targets of the test split. Its labels are not used.
        params: whether to average both orders, and what to blend.

    Returns:
        The models, the blend last, and the weights of the blend. There is no blend, and the weights
        are empty, where nothing is to be blended.

    Raises:
        BadInput: `evaluation.blend` names a model that does not exist; or predictions are not
            those of the battles of the split, or are not probabilities.
    """
    for name, runs in raw.items():
        _check(name, runs, calibration, test)
    blended = choose_models(params, list(raw))
    models = {
        name: _score(runs, fitted.get(name), calibration.labels, params.both_orders)
        for name, runs in raw.items()
    }
    if not blended:
        return models, {}
    parts = {name: _average_runs(models[name].scored) for name in blended}
    weights = fit_weights(
        calibration.labels,
        {name: part.calibration.probabilities for name, part in parts.items()},
    )
    mixed = _weigh_runs(list(parts.values()), list(weights.values()))
    _check(BLEND, [mixed], calibration, test)
    # The orders of its parts are averaged already, where that is asked for.
    models[BLEND] = _score([mixed], None, calibration.labels, both_orders=False)
    return models, weights


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


def _score(
    runs: Sequence[RunPredictions],
    fitted: Sequence[Temperatures] | None,
    labels: np.ndarray,
    both_orders: bool,
) -> Model:
    if fitted is None:
        fitted = [fit_temperatures(labels, run.calibration) for run in runs]
    if both_orders:
        runs = [average_orders(run) for run in runs]
    return calibrate_model(runs, fitted, both_orders)


def _check(name: str, runs: Sequence[RunPredictions], calibration: Targets, test: Targets) -> None:
    for run in runs:
        check_predictions(name, run.calibration, calibration.ids)
        check_predictions(name, run.test, test.ids)
