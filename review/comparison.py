"""Compare the results of two versions on test, where the test battles are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from preference.config.params import Params
from preference.rendering.markdown_text import code
from preference.rendering.numbers import join, percent
from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL
from preference.statistics.few_groups import explain_few_groups
from review.changes import Change, compare_metrics, pair_changes
from review.results import (
    NotInCache,
    Version,
    read_metrics,
    read_row_losses,
    read_test_battles,
    read_test_hashes,
)

TRAINED_ONCE = (
    "The noise is that of the battles. The change of a model that was trained once may also be due "
    "to its seed; `train.seeds` measures how much."
)


@dataclass(frozen=True)
class Comparison:
    """The models of two versions, sorted by what happened to their test log loss.

    `changes` has the models whose test log loss differs, `same` the others that both versions have.
    `added` and `removed` are models that only one version has. `basis` explains how changes were
    judged. Where `is_possible` is false, it explains why they cannot be, and there are no changes.
    """

    changes: Mapping[str, Change]
    same: Sequence[str]
    added: Sequence[str]
    removed: Sequence[str]
    basis: Sequence[str]
    is_possible: bool = True


def compare_versions(old: Version, new: Version, params: Params) -> Comparison:
    """Compare each model that both versions have, with the intervals of `params.evaluation`.

    Raises:
        BadInput: a version has no results, or they do not belong together.
    """
    before, after = read_metrics(old), read_metrics(new)
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    both = [name for name in after if name in before]
    if different := _find_different_files(old, new):
        basis = _refuse(different)
        return Comparison({}, [], added, removed, basis, is_possible=False)
    try:
        changes, basis = _pair(old, new, both, params)
    except NotInCache as error:
        changes, basis = {}, _explain_unpaired(error)
    # Models without predictions in both versions are compared by their metrics.
    unpaired = [name for name in both if name not in changes]
    changes |= compare_metrics(before, after, unpaired)
    same = [name for name in both if name not in changes]
    return Comparison(changes, same, added, removed, basis)


def _find_different_files(old: Version, new: Version) -> list[str]:
    before, after = read_test_hashes(old), read_test_hashes(new)
    return [path for path in after if before.get(path) != after[path]]


def _refuse(different: Sequence[str]) -> list[str]:
    return [
        f"{join(different)} differ{'s' if len(different) == 1 else ''} between the versions, so "
        "that the test battles are not the same, and log losses cannot be compared. To see what a "
        "change does to the models, leave data, split and seed as they are."
    ]


def _pair(
    old: Version, new: Version, models: Sequence[str], params: Params
) -> tuple[dict[str, Change], list[str]]:
    battles = read_test_battles(new)
    before, after = (read_row_losses(version, models, battles) for version in (old, new))
    changes = pair_changes(before, after, battles.groups, params)
    paired = (
        f"Paired on the same {len(battles.ids):,} test battles in "
        f"{len(np.unique(battles.groups)):,} groups"
    )
    few = explain_few_groups(battles.groups)
    if few:
        return changes, [f"{paired}, and not tested: {few}."]
    basis = [
        f"{paired}, with intervals of {percent(CONFIDENCE_LEVEL)}; p is adjusted for the "
        "number of changes (Holm)."
    ]
    if any(len(losses[name]) == 1 for losses in (before, after) for name in changes):
        basis.append(TRAINED_ONCE)
    return changes, basis


def _explain_unpaired(error: NotInCache) -> list[str]:
    return [
        f"Not paired, because {code(error.path)} of {code(error.version)} is neither in DVC's "
        "cache nor in a remote. Instead, each change is compared with `log_loss_noise`, the half "
        "width of the interval of a typical difference between two models, in the version where it "
        "is larger.",
        TRAINED_ONCE,
    ]
