"""The weights of a convex blend of models."""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize

from preference.metrics import SMALLEST


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
