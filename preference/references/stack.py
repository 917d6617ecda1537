"""The reference `stack`: the weighted mean of the references that read words and features.

The weights are fitted on valid, which the references were not fitted to. With few battles they stay
near equal weights, which real rows show to be hard to beat: docs/results/recipes.md.
"""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from preference.battles.predictions import SUM_TOLERANCE
from preference.config.validation import Probability, checked
from preference.references.files import STACKED
from preference.runtime.strict_json import check_values, parse_json, to_json
from preference.statistics.mix_weights import fit_weights

# Equal weights count for as much as this many battles of valid.
PRIOR_BATTLES = 30


@checked
class StackWeights:
    """The content of `stack.json`: the weight of each reference."""

    weights: Mapping[str, Probability]

    def __post_init__(self) -> None:
        if set(self.weights) != set(STACKED):
            raise ValueError(f"weights does not have one for each of {', '.join(STACKED)}")
        if abs(sum(self.weights.values()) - 1) > SUM_TOLERANCE:
            raise ValueError("the weights do not sum to 1")

    def mix(self, predicted: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the weighted mean of probabilities, float64 [n, 3] of each reference."""
        weights = [self.weights[name] for name in STACKED]
        return np.tensordot(weights, [predicted[name] for name in STACKED], axes=1)


def fit_stack(
    labels: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    battle_weights: np.ndarray | None = None,
) -> StackWeights:
    """Fit the weights.

    Args:
        labels: of battles that the references were not fitted to, int [n], or shares, float64
            [n, 3].
        predicted: the probabilities of each reference, float64 [n, 3].
        battle_weights: of these battles, float64 [n]; None if all are 1.
    """
    parts = {name: predicted[name] for name in STACKED}
    return StackWeights(weights=fit_weights(labels, parts, PRIOR_BATTLES, battle_weights))


def stack_to_bytes(stack: StackWeights) -> bytes:
    """Return the weights as JSON."""
    return to_json(asdict(stack)).encode()


def stack_from_bytes(content: bytes) -> StackWeights:
    """Return what `stack_to_bytes` wrote.

    Raises:
        ValueError: the content is damaged.
    """
    return check_values(StackWeights, parse_json(content))
