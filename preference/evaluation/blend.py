"""A blend: a mix of the probabilities of several models, with weights fitted on calibration."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize

from preference.config.params import LEARNING_REFERENCES, REFERENCES, EvaluationParams
from preference.runtime.errors import BadInput
from preference.statistics.metrics import SMALLEST

BLEND = "blend"


def choose_models(params: EvaluationParams, models: Sequence[str]) -> list[str]:
    """Return the names of the models to blend, which are none where `evaluation.blend` is empty.

    Raises:
        BadInput: `evaluation.blend` names a model that does not exist.
    """
    if params.blend == "auto":
        return [name for name in models if name in LEARNING_REFERENCES or name not in REFERENCES]
    unknown = set(params.blend) - set(models)
    if unknown:
        raise BadInput(
            f"params.yaml: evaluation.blend names {', '.join(sorted(unknown))}, but the models are "
            f"{', '.join(models)}. Correct the spelling, or add the experiment."
        )
    return list(params.blend)


def fit_weights(labels: np.ndarray, models: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the weights with the lowest log loss; each is at least 0, and their sum is 1.

    The log loss of a blend is convex in the weights, so that every minimum is global.

    Args:
        labels: int [n].
        models: the probabilities of each model, [n, 3].
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
