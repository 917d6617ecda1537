"""What keeps a temperature from meaning what it seems to, one sentence each.

A training says so of its calibration battles, and the evaluation says it again.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from preference.battles.table import LABELS
from preference.statistics.temperature_scaling import describe_bound


def missing_labels(labels: np.ndarray) -> list[str]:
    """Return the names of the labels that do not occur in `labels`, int [n]."""
    return [label for number, label in enumerate(LABELS) if number not in labels]


def warn_of_calibration(too_few_groups: str | None, missing: Sequence[str]) -> list[str]:
    """Say where the calibration battles are too few to fit a temperature to."""
    warnings = []
    if too_few_groups:
        warnings.append(
            f"On calibration, {too_few_groups}. Temperatures and weights of a blend follow the "
            "luck of these battles: use battles of more prompts, or raise split.calibration."
        )
    if missing:
        warnings.append(
            f"No calibration battle has the label {' or '.join(missing)}: temperatures and "
            "weights of a blend were fitted without any."
        )
    return warnings


def warn_of_bound(name: str, temperatures: Mapping[int | None, float]) -> list[str]:
    """Say once for each bound, the smallest and the largest, which temperatures are at it.

    Args:
        name: of the model.
        temperatures: by the seed of the training; where there is one alone, it is not named.
    """
    warnings = []
    for is_smallest in (True, False):
        at_bound = {
            seed: bound
            for seed, temperature in temperatures.items()
            if (bound := describe_bound(temperature)) and (temperature < 1) == is_smallest
        }
        if at_bound:
            seeds = _name_seeds(at_bound) if len(temperatures) > 1 else ""
            first, *_ = at_bound.values()
            warnings.append(f"The temperature of {name}{seeds} is {first}.")
    return warnings


def _name_seeds(seeds: Collection[int | None]) -> str:
    return f" (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def warn_of_constant(name: str) -> str:
    """Say that a model predicts the same whatever it reads."""
    return f"{name} predicts the same for every battle: it has learned no more than class shares."
