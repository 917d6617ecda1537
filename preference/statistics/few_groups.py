"""Explain in words that battles are in too few groups for intervals and tests."""

import numpy as np

from preference.statistics.cluster_bootstrap import FEWEST_GROUPS, effective_groups, group_sizes


def explain_few_groups(groups: np.ndarray, weights: np.ndarray | None = None) -> str | None:
    """Explain that these groups are too few for an interval or a test; None where they are enough.

    Args:
        groups: the group of each battle, int64 [n].
        weights: of the battles, float64 [n]; None if all are 1.
    """
    effective = effective_groups(groups, weights)
    if effective >= FEWEST_GROUPS:
        return None
    sizes = group_sizes(groups, weights)
    needed = f"for an interval or a test; at least {FEWEST_GROUPS} are needed"
    if len(sizes) == 1:
        return f"1 group of battles is too few {needed}"
    if len(sizes) < FEWEST_GROUPS:
        return f"{len(sizes)} groups of battles are too few {needed}"
    return (
        f"{len(sizes):,} groups of battles, the largest with {sizes.max() / sizes.sum():.0%} "
        f"of the battles, are worth about {effective:.0f} of equal size, which is too few {needed}"
    )
