"""What the training runs of a model predict, and how that becomes what is scored.

A model is one training run, or one for each seed. Both orders of the answers are averaged where
that is asked for; then the run's temperature, fitted on the calibration split, is applied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from preference.battles.predictions import (
    Predictions,
    average_both_orders,
    check_predictions,
    map_probabilities,
)
from preference.config.params import LEARNING_REFERENCES, REFERENCES, EvaluationParams
from preference.runtime.errors import BadInput
from preference.statistics.calibration import Temperatures, fit_temperatures
from preference.statistics.metrics import SMALLEST
from preference.statistics.temperature_scaling import apply_temperature


def fit_weights(labels: np.ndarray, models: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the weights, at least 0 and summing to 1, with the least log loss.

    The log loss of a blend is convex in its weights, so there is one least value.

    Args:
        labels: int [n].
        models: probabilities of each model, [n, 3].
    """
    of_label = np.column_stack([model[np.arange(len(labels)), labels] for model in models.values()])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = np.maximum(of_label @ weights, SMALLEST)
        return -np.log(mixed).mean(), -(of_label / mixed[:, None]).mean(axis=0)

    fit = minimize(
        loss,
        np.full(len(models), 1 / len(models)),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * len(models),
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-10, "maxiter": 1000},
    )
    weights = np.clip(fit.x, 0, 1)
    return dict(zip(models, (weights / weights.sum()).tolist(), strict=True))


@dataclass(frozen=True)
class RunPredictions:
    """The predictions of one training run, of both splits that the evaluation reads.

    `seed` is that of an experiment's training run, and None of all else.
    """

    calibration: Predictions
    test: Predictions
    seed: int | None = None


@dataclass(frozen=True)
class Model:
    """Training runs as they predict and as they are scored.

    `temperatures` are those that were applied, `fitted` those for either way to show the answers.
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
        raw: the runs of one model, whose orders are averaged already where that is asked for.
        fitted: the temperatures of each run.
        both_orders: whether `raw` averages both orders.
    """
    temperatures = [one.both_orders if both_orders else one.in_order for one in fitted]
    scored = [
        _map(run, lambda probabilities, by=temperature: apply_temperature(probabilities, by))
        for run, temperature in zip(raw, temperatures, strict=True)
    ]
    return Model(raw, scored, temperatures, fitted)


def average_orders(run: RunPredictions) -> RunPredictions:
    """Average the predictions of both orders of the answers, which then agree."""
    return RunPredictions(
        average_both_orders(run.calibration), average_both_orders(run.test), run.seed
    )


def average_runs(runs: Sequence[RunPredictions]) -> RunPredictions:
    """Average the predictions of several training runs."""
    return weigh_runs(runs, [1 / len(runs)] * len(runs))


def weigh_runs(runs: Sequence[RunPredictions], weights: Sequence[float]) -> RunPredictions:
    """Return the weighted mean of the predictions of several training runs."""

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


@dataclass(frozen=True)
class Truth:
    """The battles: `ids`, `labels` and `groups` are int [n].

    `near_duplicate`, bool [n], says whether train has a prompt that is nearly the same.
    `oracle` [n, 3] and `agreement` [n] are as in the battles table, and None for real data.
    """

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    near_duplicate: np.ndarray
    oracle: np.ndarray | None = None
    agreement: np.ndarray | None = None


BLEND = "blend"


def score_models(
    raw: Mapping[str, Sequence[RunPredictions]],
    fitted: Mapping[str, Sequence[Temperatures]],
    calibration: Truth,
    test: Truth,
    params: EvaluationParams,
) -> tuple[dict[str, Model], dict[str, float]]:
    """Return every model as it is scored, and the weights of the blend among them.

    Args:
        raw: the training runs of each experiment, and the one of each reference.
        fitted: the temperatures of the runs of each experiment; those of others are fitted here.
        calibration: the truth of the calibration split.
        test: the truth of the test split; its labels are not used.
        params: whether to average both orders, and what to blend; the weights are empty, and there
            is no blend, where that is nothing.

    Raises:
        BadInput: `evaluation.blend` names a model that does not exist; or predictions are of other
            battles, or are not probabilities.
    """
    for name, runs in raw.items():
        _check(name, runs, calibration, test)
    blended = _blended(params, raw)
    models = {
        name: _score(runs, fitted.get(name), calibration.labels, params.both_orders)
        for name, runs in raw.items()
    }
    if not blended:
        return models, {}
    parts = {name: average_runs(models[name].scored) for name in blended}
    weights = fit_weights(
        calibration.labels,
        {name: part.calibration.probabilities for name, part in parts.items()},
    )
    mixed = weigh_runs(list(parts.values()), list(weights.values()))
    _check(BLEND, [mixed], calibration, test)
    # Its parts have both orders averaged already, where that is asked for.
    models[BLEND] = _score([mixed], None, calibration.labels, both_orders=False)
    return models, weights


def _blended(params: EvaluationParams, raw: Mapping[str, Sequence[RunPredictions]]) -> list[str]:
    """Return the names of the models to mix.

    Raises:
        BadInput: there is no such model.
    """
    if params.blend == "auto":
        return [name for name in raw if name in LEARNING_REFERENCES or name not in REFERENCES]
    unknown = set(params.blend) - set(raw)
    if unknown:
        raise BadInput(
            f"params.yaml: evaluation.blend names {', '.join(sorted(unknown))}, but the models are "
            f"{', '.join(raw)}. Correct the spelling, or add the experiment."
        )
    return params.blend


def _score(
    runs: Sequence[RunPredictions],
    fitted: Sequence[Temperatures] | None,
    labels: np.ndarray,
    both_orders: bool,
) -> Model:
    """Apply the temperatures of a model, which are fitted here where they are not given."""
    if fitted is None:
        fitted = [fit_temperatures(labels, run.calibration) for run in runs]
    if both_orders:
        runs = [average_orders(run) for run in runs]
    return calibrate_model(runs, fitted, both_orders)


def _check(name: str, runs: Sequence[RunPredictions], calibration: Truth, test: Truth) -> None:
    for run in runs:
        check_predictions(name, run.calibration, calibration.ids)
        check_predictions(name, run.test, test.ids)
