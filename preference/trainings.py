"""What the trainings of a model predict, and how that becomes what is scored.

A model is one training, or one a seed. Of each, both orders are averaged where that is asked for;
then its temperature is fitted on the calibration split.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from preference.predictions import Predictions, average_both_orders, map_probabilities
from preference.temperature import apply_temperature, fit_temperature


@dataclass(frozen=True)
class Training:
    """The predictions of one training, of both splits that the evaluation reads."""

    calibration: Predictions
    test: Predictions


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
    return Training(average_both_orders(training.calibration), average_both_orders(training.test))


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
