"""From what models predict to what is scored: both orders, temperatures, and the blend."""

from collections.abc import Mapping, Sequence

from preference.blend import fit_weights
from preference.errors import BadInput
from preference.params import EvaluationParams
from preference.predictions import check_predictions
from preference.trainings import (
    Model,
    Training,
    average_orders,
    average_trainings,
    calibrate_model,
    weigh_trainings,
)
from preference.truth import Truth

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
