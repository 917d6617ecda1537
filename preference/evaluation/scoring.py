"""What the trainings of a model predict, and how that becomes what is scored.

A model is one training, or one a seed. Of each, both orders are averaged where that is asked for;
then its temperature is fitted on the calibration split.
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
from preference.config.params import EvaluationParams
from preference.runtime.errors import BadInput
from preference.statistics.metrics import SMALLEST
from preference.statistics.temperature_scaling import apply_temperature, fit_temperature


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
class Training:
    """The predictions of one training, of both splits that the evaluation reads.

    `seed` is that of an experiment's training, and None of all else.
    """

    calibration: Predictions
    test: Predictions
    seed: int | None = None


@dataclass(frozen=True)
class Model:
    """Trainings as they are and as they are scored, with the temperature of each."""

    raw: Sequence[Training]
    scored: Sequence[Training]
    temperatures: Sequence[float]


def calibrate_model(raw: Sequence[Training], labels: np.ndarray) -> Model:
    """Fit and apply a temperature for each training.

    Args:
        raw: the trainings of one model.
        labels: of the calibration split, int [n].
    """
    temperatures = [fit_temperature(labels, one.calibration.probabilities) for one in raw]
    scored = [
        _map(one, lambda probabilities, by=temperature: apply_temperature(probabilities, by))
        for one, temperature in zip(raw, temperatures, strict=True)
    ]
    return Model(raw, scored, temperatures)


def average_orders(training: Training) -> Training:
    """Average the predictions of both orders of the answers, which then agree."""
    return Training(
        average_both_orders(training.calibration),
        average_both_orders(training.test),
        training.seed,
    )


def average_trainings(trainings: Sequence[Training]) -> Training:
    """Average the predictions of several trainings."""
    return weigh_trainings(trainings, [1 / len(trainings)] * len(trainings))


def weigh_trainings(trainings: Sequence[Training], weights: Sequence[float]) -> Training:
    """Return the weighted mean of the predictions of several trainings."""

    def mean(predictions: Sequence[Predictions]) -> Predictions:
        return Predictions(
            predictions[0].ids,
            np.tensordot(weights, [one.probabilities for one in predictions], axes=1),
            np.tensordot(weights, [one.swapped for one in predictions], axes=1),
        )

    return Training(
        mean([training.calibration for training in trainings]),
        mean([training.test for training in trainings]),
    )


def _map(training: Training, change: Callable[[np.ndarray], np.ndarray]) -> Training:
    return Training(
        map_probabilities(training.calibration, change), map_probabilities(training.test, change)
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
    raw: Mapping[str, Sequence[Training]],
    calibration: Truth,
    test: Truth,
    params: EvaluationParams,
) -> tuple[dict[str, Model], dict[str, float]]:
    """Return every model as it is scored, and the weights of the blend among them.

    Args:
        raw: the trainings of each experiment, and of each reference its one.
        calibration: the truth of the calibration split.
        test: the truth of the test split; its labels are not used.
        params: whether to average both orders, and what to blend; the weights are empty, and there
            is no blend, where that is nothing.

    Raises:
        BadInput: `evaluation.blend` names a model that does not exist; or predictions are of other
            battles, or are not probabilities.
    """
    for name, trainings in raw.items():
        _check(name, trainings, calibration, test)
    unknown = set(params.blend) - set(raw)
    if unknown:
        raise BadInput(
            f"params.yaml: evaluation.blend names {', '.join(sorted(unknown))}, but the models are "
            f"{', '.join(raw)}. Correct the spelling, or add the experiment."
        )
    if params.both_orders:
        raw = {name: [average_orders(one) for one in ones] for name, ones in raw.items()}
    models = {
        name: calibrate_model(trainings, calibration.labels) for name, trainings in raw.items()
    }
    if not params.blend:
        return models, {}
    parts = {name: average_trainings(models[name].scored) for name in params.blend}
    weights = fit_weights(
        calibration.labels,
        {name: part.calibration.probabilities for name, part in parts.items()},
    )
    mixed = weigh_trainings(list(parts.values()), list(weights.values()))
    _check(BLEND, [mixed], calibration, test)
    models[BLEND] = calibrate_model([mixed], calibration.labels)
    return models, weights


def _check(name: str, trainings: Sequence[Training], calibration: Truth, test: Truth) -> None:
    for training in trainings:
        check_predictions(name, training.calibration, calibration.ids)
        check_predictions(name, training.test, test.ids)
