"""The change of a model's test log loss, and two ways to know its noise.

Where the predictions of both sides are at hand, a change is paired on the same battles, so that
what makes a battle hard for both cancels. Else it is compared with `log_loss_noise`, which is that
of a typical difference between two models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from preference.config.params import Params
from preference.report.significance_wording import is_significant, is_tested
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.paired_tests import Difference, correct_by_holm, paired_difference

WITHIN_NOISE = "within noise"
UNKNOWN = "noise unknown"

Figures = Mapping[str, Mapping[str, float | None]]
RowLosses = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Change:
    """A model's mean test log loss on both sides; lower is better.

    `difference` is paired, new minus old; battles in too few groups do not test it. Where it is
    None, `noise` is how large a change must be to show, or None where neither side says.
    """

    old: float
    new: float
    difference: Difference | None = None
    noise: float | None = None

    @property
    def is_judged(self) -> bool:
        """Whether anything is known of the noise."""
        if self.difference is not None:
            return is_tested(asdict(self.difference))
        return self.noise is not None

    @property
    def is_larger_than_noise(self) -> bool:
        """Whether the luck of the battles is no good explanation of it."""
        if self.difference is not None:
            return is_significant(asdict(self.difference))
        return self.noise is not None and abs(self.new - self.old) > self.noise

    @property
    def verdict(self) -> str:
        """The change in a word or two."""
        if self.is_larger_than_noise:
            return "better" if self.new < self.old else "worse"
        return WITHIN_NOISE if self.is_judged else UNKNOWN


def pair_changes(
    old: RowLosses, new: RowLosses, groups: np.ndarray, params: Params
) -> dict[str, Change]:
    """Return the changes of the models whose losses differ, in the order of `new`.

    Args:
        old, new: row losses of each model, float64 [trainings, n], of the same battles.
        groups: of the battles, int [n].
        params: how intervals are made.
    """
    names = [name for name in new if name in old and not np.array_equal(old[name], new[name])]
    bootstrap = GroupBootstrap(groups, params.evaluation.resamples, params.seed)
    differences = correct_by_holm(
        {name: paired_difference(new[name], old[name], bootstrap) for name in names}
    )
    return {
        name: Change(float(old[name].mean()), float(new[name].mean()), differences[name])
        for name in names
    }


def change_figures(old: Figures, new: Figures, names: Sequence[str]) -> dict[str, Change]:
    """Return the changes of the named models whose log loss differs, with the larger noise."""
    changes = {}
    for name in names:
        before, after = old[name], new[name]
        if before["log_loss"] != after["log_loss"]:
            noises = [side.get("log_loss_noise") for side in (before, after)]
            noise = max((one for one in noises if one is not None), default=None)
            changes[name] = Change(before["log_loss"], after["log_loss"], noise=noise)
    return changes
