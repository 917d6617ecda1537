"""Compare what two sides found on test, where they were asked the same question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from preference.config.params import Params
from preference.rendering.markdown_text import code
from preference.rendering.numbers import join, percent
from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL
from preference.statistics.few_groups import explain_few_groups
from review.changes import Change, change_figures, pair_changes
from review.results import (
    NotInCache,
    Side,
    read_figures,
    read_row_losses,
    read_test_battles,
    read_test_hashes,
)

TRAINED_ONCE = (
    "The noise is that of the battles. A model that was trained once may owe a change to the luck "
    "of that training too; `train.seeds` tells the two apart."
)


@dataclass(frozen=True)
class Comparison:
    """`changes` are of the models that do not predict the same on both sides; `same` do.

    `added` and `removed` are on one side alone. `basis` says how the changes were judged or, where
    `is_possible` is false, why they cannot be; there are no changes then.
    """

    changes: Mapping[str, Change]
    same: Sequence[str]
    added: Sequence[str]
    removed: Sequence[str]
    basis: Sequence[str]
    is_possible: bool = True


def compare_sides(old: Side, new: Side, params: Params) -> Comparison:
    """Compare each model that both sides have, with the intervals of `params.evaluation`.

    Raises:
        BadInput: a side has no results, or they do not belong together.
    """
    before, after = read_figures(old), read_figures(new)
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    both = [name for name in after if name in before]
    if different := _find_different_files(old, new):
        basis = _refuse(different)
        return Comparison({}, [], added, removed, basis, is_possible=False)
    try:
        changes, basis = _pair(old, new, both, params)
    except NotInCache as error:
        changes, basis = {}, _explain_figures(error)
    # All models where nothing could be paired, and one that has predictions on one side alone.
    unpaired = [name for name in both if name not in changes]
    changes |= change_figures(before, after, unpaired)
    same = [name for name in both if name not in changes]
    return Comparison(changes, same, added, removed, basis)


def _find_different_files(old: Side, new: Side) -> list[str]:
    before, after = read_test_hashes(old), read_test_hashes(new)
    return [path for path in after if before.get(path) != after[path]]


def _refuse(different: Sequence[str]) -> list[str]:
    return [
        f"{join(different)} differ{'s' if len(different) == 1 else ''} between the sides, so that "
        "the test battles are others. Log losses then answer different questions. To see what a "
        "change does to the models, leave data, split and seed as they are."
    ]


def _pair(
    old: Side, new: Side, models: Sequence[str], params: Params
) -> tuple[dict[str, Change], list[str]]:
    battles = read_test_battles(new)
    before, after = (read_row_losses(side, models, battles) for side in (old, new))
    changes = pair_changes(before, after, battles.groups, params)
    paired = (
        f"Paired on the same {len(battles.ids):,} test battles in "
        f"{len(np.unique(battles.groups)):,} groups"
    )
    few = explain_few_groups(battles.groups)
    if few:
        return changes, [f"{paired}, and not judged: {few}."]
    basis = [
        f"{paired}, with intervals of {percent(CONFIDENCE_LEVEL)}; p is adjusted for the "
        "number of changes (Holm)."
    ]
    if any(len(side[name]) == 1 for side in (before, after) for name in changes):
        basis.append(TRAINED_ONCE)
    return changes, basis


def _explain_figures(error: NotInCache) -> list[str]:
    return [
        f"Not paired, because {code(error.path)} of {code(error.side)} is neither in DVC's cache "
        "nor in a remote. Instead, each change is compared with `log_loss_noise`, the half width "
        "of the interval of a typical difference between two models, on the side where that is "
        "larger.",
        TRAINED_ONCE,
    ]
