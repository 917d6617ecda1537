"""What keeps a temperature from meaning what it seems to, one sentence each.

A training says so of its calibration battles, and the evaluation says it again.
"""

from collections.abc import Sequence

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


def warn_of_bound(name: str, temperatures: Sequence[float]) -> list[str]:
    """Say which temperatures of a model have no best value."""
    return [
        f"The temperature of {name} is {bound}."
        for bound in map(describe_bound, temperatures)
        if bound
    ]


def warn_of_constant(name: str) -> str:
    """Say that a model predicts the same whatever it reads."""
    return f"{name} predicts the same for every battle: it has learned no more than class shares."
