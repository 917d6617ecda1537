"""Which models are compared with which, and how small a change still shows."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from preference.group_bootstrap import CONFIDENCE, GroupBootstrap
from preference.significance import Difference, correct_by_holm, paired_difference

Losses = Mapping[str, np.ndarray]


def compare_with(
    rival: str, names: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> dict[str, Difference]:
    """Compare each of the other models with `rival`; p-values are corrected for their number.

    Args:
        rival: is subtracted.
        names: of the models to compare; `rival` itself is left out.
        losses: row losses of each model, float64 [seeds, n].
        bootstrap: of the n battles.
    """
    return correct_by_holm(
        {
            name: paired_difference(losses[name], losses[rival], bootstrap)
            for name in names
            if name != rival
        }
    )


def noise_of_a_change(
    name: str, others: Sequence[str], losses: Losses, bootstrap: GroupBootstrap
) -> float | None:
    """Return the half width of the interval of a typical difference to one of `others`.

    A change of the model's log loss that is smaller is within noise. Where it was trained on one
    seed, the noise of training once is not in it. It is None, for unknown, where there are too few
    groups, and where all of the others predict the same as the model.
    """
    found = [
        paired_difference(losses[name], losses[other], bootstrap).standard_error
        for other in others
        if other != name
    ]
    errors = [error for error in found if error]
    if not errors:
        return None
    width = stats.norm.ppf((1 + CONFIDENCE) / 2)
    return float(width * np.sqrt(np.mean(np.square(errors))))
