"""Which experiment is best, by the log loss on test and what the tests of differences found."""

from collections.abc import Mapping, Sequence
from typing import Any

from preference.report.cost import BLEND, only_member
from preference.report.significance import is_better

# The content of metrics/evaluation_details.json.
Details = Mapping[str, Any]


def best_experiment(details: Details) -> str:
    """Return the name of the experiment, or of the blend, with the lowest log loss on test.

    Where some are significantly better than the baseline, it is one of these: one that was trained
    once may have a lower log loss by luck.
    """
    differences = details["differences"]["baseline"]
    names = contenders(details)
    better = [name for name in names if name in differences and is_better(differences[name])]
    return lowest(better or names, details)


def lowest(names: Sequence[str], details: Details) -> str:
    """Return the one of the models that has the lowest log loss on test."""
    return min(names, key=lambda name: details["models"][name]["log_loss"]["value"])


def contenders(details: Details) -> list[str]:
    """Return the experiments and the blend, unless the blend is a single model."""
    return [name for name in details["experiments"] if name != BLEND or not only_member(details)]
