"""The change of the test log loss of a model, compared with its noise.

A change is real where it is larger than `log_loss_noise`, the half width of the 95 % interval of a
change, in the version where that is larger. It is at least `evaluation.smallest_difference`. `dvc
metrics diff` shows the same numbers, so that both always agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WITHIN_NOISE = "within noise"
UNKNOWN = "noise unknown"

# The content of metrics/evaluate.json.
Metrics = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Change:
    """The mean test log loss of a model in both versions; lower is better.

    `noise` is the size that a change must exceed, and None where a version does not have it.
    """

    old: float
    new: float
    noise: float | None

    @property
    def is_larger_than_noise(self) -> bool:
        """Whether the change is real. It is not known to be where the noise is unknown."""
        return self.noise is not None and abs(self.new - self.old) > self.noise

    @property
    def verdict(self) -> str:
        """The change in one or two words."""
        if self.noise is None:
            return UNKNOWN
        if not self.is_larger_than_noise:
            return WITHIN_NOISE
        return "better" if self.new < self.old else "worse"


def find_changes(old: Metrics, new: Metrics, names: Sequence[str]) -> dict[str, Change]:
    """Return the changes of the named models whose log loss differs, in the order of the names."""
    return {
        name: _find_change(old[name], new[name])
        for name in names
        if old[name]["log_loss"] != new[name]["log_loss"]
    }


def _find_change(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> Change:
    # A log loss is never null; only its noise may be unknown.
    before, after = (float(version["log_loss"] or 0) for version in (old, new))
    noises = [version.get("log_loss_noise") for version in (old, new)]
    known = [noise for noise in noises if noise is not None]
    return Change(before, after, max(known) if len(known) == len(noises) else None)
