"""The weights of a mix of several models' probabilities."""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize

from preference.battles.soft_labels import split_shares
from preference.statistics.metrics import SMALLEST

# A smaller weight hardly changes a prediction, but the model that has it costs a whole prediction.
SMALLEST_WEIGHT = 0.005


def fit_weights(
    labels: np.ndarray,
    models: Mapping[str, np.ndarray],
    prior_rows: float = 0,
    battle_weights: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the weights with the lowest log loss; each is at least 0, and their sum is 1.

    The log loss of a mix is convex in the weights, so that every minimum is global. Weights below
    `SMALLEST_WEIGHT` become 0, so that a mix holds no model in vain.

    Args:
        labels: int [n], or shares, float64 [n, 3].
        models: the probabilities of each model, [n, 3].
        prior_rows: what equal weights count for, in rows (a Dirichlet prior): with few rows, the
            weights stay near these.
        battle_weights: of the battles, float64 [n]; None if all are 1.
    """
    rows, codes, counts = split_shares(labels, battle_weights)
    of_label = np.column_stack([model[rows, codes] for model in models.values()])
    total = len(labels) if counts is None else counts.sum()
    prior = prior_rows / len(models) / total

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = np.maximum(of_label @ weights, SMALLEST)
        kept = np.maximum(weights, SMALLEST)
        value = -np.average(np.log(mixed), weights=counts) - prior * np.log(kept).sum()
        slope = np.average(of_label / mixed[:, None], axis=0, weights=counts)
        return value, -slope - prior / kept

    fit = minimize(
        loss,
        np.full(len(models), 1 / len(models)),
        jac=True,
        method="SLSQP",
        bounds=[(SMALLEST_WEIGHT / 10 if prior else 0, 1)] * len(models),
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-10, "maxiter": 1000},
    )
    weights = np.where(fit.x < SMALLEST_WEIGHT, 0, fit.x)
    return dict(zip(models, (weights / weights.sum()).tolist(), strict=True))
