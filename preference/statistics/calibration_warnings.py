"""Warnings about fitted temperatures and about predictions, one sentence each.

The stages `bundle` and `evaluate` print them, and so does `preference evaluate`.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from preference.battles.soft_labels import to_shares
from preference.battles.table import A_WINS, B_WINS, LABELS
from preference.statistics.metrics import LARGEST_LOG_LOSS
from preference.statistics.temperature_scaling import describe_bound


def missing_labels(labels: np.ndarray, has_ties: bool) -> list[str]:
    """Return the names of the labels that have no share in `labels`, int [n] or float64 [n, 3].

    A tie is not missing unless the source of some battle has ties, as `has_ties` says.
    """
    expected = range(len(LABELS)) if has_ties else (A_WINS, B_WINS)
    totals = to_shares(labels).sum(axis=0)
    return [LABELS[number] for number in expected if not totals[number]]


def warn_of_calibration(too_few_groups: str | None, missing: Sequence[str]) -> list[str]:
    """Warn of calibration battles in too few groups, or without one of the labels.

    Args:
        too_few_groups: as `explain_few_groups` returns it.
        missing: the labels that do not occur.
    """
    warnings = []
    if too_few_groups:
        warnings.append(
            f"On calibration, {too_few_groups}. Temperatures and weights of a blend depend on "
            "chance: use battles of more prompts, or raise split.calibration."
        )
    if missing:
        warnings.append(
            f"No calibration battle has the label {' or '.join(missing)}: temperatures and "
            "weights of a blend were fitted without any."
        )
    return warnings


def warn_of_bound(name: str, temperatures: Mapping[int | str | None, float]) -> list[str]:
    """Warn of temperatures at the smallest or the largest value that is tried, once for each.

    Args:
        name: of the model.
        temperatures: by the seed of the training run, or by the name of its fold; that of a single
            run is not named.
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


def _name_seeds(seeds: Collection[int | str | None]) -> str:
    if any(isinstance(seed, str) for seed in seeds):
        return f" ({', '.join(map(str, seeds))})"
    return f" (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def warn_of_constant(name: str) -> str:
    """Warn that a model predicts the same for all battles."""
    return (
        f"{name} predicts the same for every battle: it has learned no more than the class "
        "frequencies."
    )


def warn_of_impossible(name: str, battles: int) -> str:
    """Warn that a model gives probability 0 to the label of some battles."""
    return (
        f"{name} gives probability 0 to the label of {battles:,} "
        f"battle{'s' if battles > 1 else ''}: the log loss would be infinite. The loss of a "
        f"battle is clipped at {LARGEST_LOG_LOSS:.2f}, which decides the mean."
    )
