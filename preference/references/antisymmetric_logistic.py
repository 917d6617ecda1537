"""Logistic regression on pairs of answers, without position bias by construction.

With d the features of answer A minus those of B, the probabilities are

    A : B : tie  =  exp(signed·d) : exp(-signed·d) : exp(absolute·|d| + tie)

Guarantees
1. Predicting -d mirrors the prediction for d exactly: P(A) and P(B) change places.
2. The fit is the one that `sklearn.linear_model.LogisticRegression` with the same C finds on
   [d, |d|] of every pair in both orders. By symmetry its weights are (signed, e), (-signed, e)
   and (0, -2e), with absolute = -3e: one order, a third of the weights, the same solution.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from preference.battles.soft_labels import weigh_shares
from preference.battles.table import A_WINS, B_WINS, TIE
from preference.runtime.errors import BadInput

# The log odds of a tie that leave it a probability of 0, as a number that JSON has.
NO_TIES = -1e9
SOLVER = {"maxiter": 500, "ftol": 1e-9, "gtol": 1e-6}


@dataclass(frozen=True)
class PairedLogistic:
    """Weights `signed` and `absolute`, float64 [p] each, and the intercept `tie`."""

    signed: np.ndarray
    absolute: np.ndarray
    tie: float


def fit(
    differences: sp.csr_array,
    labels: np.ndarray,
    inverse_regularization: float,
    has_ties: np.ndarray | None = None,
    battle_weights: np.ndarray | None = None,
) -> PairedLogistic:
    """Fit the weights to `differences` [n, p] and labels; with p = 0 this is the class prior.

    Where no battle is a tie, A or B wins for certain. The likelihood of a battle that cannot be a
    tie is that of A and B without it. A soft label counts as each label with its share as the
    sample weight, and as in scikit-learn a weight of 2 is the same as the battle twice.

    Args:
        differences: features of A minus those of B, [n, p].
        labels: int [n], or shares, float64 [n, 3].
        inverse_regularization: `C` of scikit-learn.
        has_ties: whether each battle can be a tie, bool [n]; None if all can.
        battle_weights: float64 [n]; None if all are 1.

    Raises:
        BadInput: all battles are ties.
    """
    magnitudes = abs(differences)
    wins = weigh_shares(labels, battle_weights)
    counts = 1.0 if battle_weights is None else battle_weights[:, None]
    has_ties = np.ones(len(labels), dtype=bool) if has_ties is None else has_ties
    width = differences.shape[1]

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        model = _unpack(weights, width)
        log_probabilities = _log_probabilities(model, differences, magnitudes, has_ties)
        loss = -inverse_regularization * np.sum(wins * log_probabilities)
        penalty = model.signed @ model.signed / 2 + model.absolute @ model.absolute / 6
        error = inverse_regularization * (counts * np.exp(log_probabilities) - wins)
        signed = model.signed + differences.T @ (error[:, A_WINS] - error[:, B_WINS])
        absolute = model.absolute / 3 + magnitudes.T @ error[:, TIE]
        return loss + penalty, np.concatenate([signed, absolute, [error[:, TIE].sum()]])

    start = np.append(np.zeros(2 * width), _tie_log_odds(wins, has_ties))
    # Vectors are too short for several threads, which are slower and may sum in another order.
    with threadpool_limits(limits=1):
        solution = minimize(objective, start, jac=True, method="L-BFGS-B", options=SOLVER)
    return _unpack(solution.x, width)


def predict(model: PairedLogistic, differences: sp.csr_array) -> np.ndarray:
    """Return the probabilities, float64 [n, 3] in `LABELS` order."""
    has_ties = np.ones(differences.shape[0], dtype=bool)
    return np.exp(_log_probabilities(model, differences, abs(differences), has_ties))


def _unpack(weights: np.ndarray, width: int) -> PairedLogistic:
    return PairedLogistic(weights[:width], weights[width:-1], float(weights[-1]))


def _log_probabilities(
    model: PairedLogistic,
    differences: sp.csr_array,
    magnitudes: sp.csr_array,
    has_ties: np.ndarray,
) -> np.ndarray:
    preference = differences @ model.signed
    tie = np.where(has_ties, magnitudes @ model.absolute + model.tie, NO_TIES)
    logits = np.stack([preference, -preference, tie], axis=1)
    # First A and B, then the tie: the rounding of this sum does not depend on the order of A and B.
    decided = np.logaddexp(logits[:, A_WINS], logits[:, B_WINS])
    return logits - np.logaddexp(decided, logits[:, TIE])[:, np.newaxis]


def _tie_log_odds(wins: np.ndarray, has_ties: np.ndarray) -> float:
    """Return where the search for the intercept begins, from weighted shares [n, 3]."""
    ties = wins[:, TIE].sum()
    if not ties:
        return NO_TIES
    if not wins[:, [A_WINS, B_WINS]].any():
        raise BadInput(
            f"all of the {len(wins)} train battles are ties: a reference needs decided battles. "
            "Use more data, or raise split.train."
        )
    decided = wins[has_ties][:, [A_WINS, B_WINS]].sum()
    return float(np.log(2 * ties / (decided or 1)))
