"""The change of the test log loss of a model, compared with its noise.

A change is paired on the same battles where the predictions of both versions are available, so that
what makes a battle hard for both cancels. Otherwise it is compared with `log_loss_noise`, the half
width of the interval of a typical difference between two models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from preference.config.params import Params
from preference.report.significance import is_significant, is_tested
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.paired_tests import Difference, correct_by_holm, paired_difference

WITHIN_NOISE = "within noise"
UNKNOWN = "noise unknown"

# The content of metrics/evaluate.json.
Metrics = Mapping[str, Mapping[str, float | None]]
RowLosses = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Change:
    """The mean test log loss of a model in both versions; lower is better.

    `difference` is paired, new minus old. Where it is None, `noise` is the size that a change must
    exceed, or None where neither version has it.
    """

    old: float
    new: float
    difference: Difference | None = None
    noise: float | None = None

    @property
    def is_judged(self) -> bool:
        """Whether the noise of the change is known."""
        if self.difference is not None:
            return is_tested(asdict(self.difference))
        return self.noise is not None

    @property
    def is_larger_than_noise(self) -> bool:
        """Whether the change is significant, or larger than `noise` where it is not paired."""
        if self.difference is not None:
            return is_significant(asdict(self.difference))
        return self.noise is not None and abs(self.new - self.old) > self.noise

    @property
    def verdict(self) -> str:
        """The change in one or two words."""
        if self.is_larger_than_noise:
            return "better" if self.new < self.old else "worse"
        return WITHIN_NOISE if self.is_judged else UNKNOWN


def pair_changes(
    old: RowLosses, new: RowLosses, groups: np.ndarray, params: Params
) -> dict[str, Change]:
    """Return the changes of the models whose losses differ, in the order of `new`.

    Args:
        old: row losses of each model, float64 [seeds, n].
        new: the same of the new version, for the same battles.
        groups: of the battles, int [n].
        params: the number of resamples, and the seed.
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


def compare_metrics(old: Metrics, new: Metrics, names: Sequence[str]) -> dict[str, Change]:
    """Return the changes of the named models whose log loss differs, with the larger noise."""
    changes = {}
    for name in names:
        before, after = old[name], new[name]
        if before["log_loss"] != after["log_loss"]:
            noises = [values.get("log_loss_noise") for values in (before, after)]
            noise = max((one for one in noises if one is not None), default=None)
            changes[name] = Change(before["log_loss"], after["log_loss"], noise=noise)
    return changes
