"""Compare the results of two versions on test, where the test battles are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.review.changes import Change, find_changes
from checks.review.results import (
    Version,
    read_metrics,
    read_processors,
    read_test_digest,
    read_test_hashes,
)
from preference.evaluation.processors import describe_other_processors
from preference.rendering.numbers import join

RULE = (
    "A change is better or worse where it is larger than `log_loss_noise`, the half width of the "
    "95 % interval of a change, in the version where that is larger (± in the table); it is at "
    "least `evaluation.smallest_difference`."
)


@dataclass(frozen=True)
class Comparison:
    """The models of two versions, sorted by what happened to their test log loss.

    `changes` has the models whose test log loss differs, `same` the others that both versions have.
    `added` has the test log loss of the models that only the new version has, `removed` the models
    that only the old one has. `basis` explains how changes were judged. Where `is_possible` is
    false, it explains why they cannot be, and there are no changes. `other_processor` is None
    unless changed models were trained on another processor.
    """

    changes: Mapping[str, Change]
    same: Sequence[str]
    added: Mapping[str, float | None]
    removed: Sequence[str]
    basis: Sequence[str]
    is_possible: bool = True
    other_processor: str | None = None


def compare_versions(old: Version, new: Version) -> Comparison:
    """Compare each model that both versions have.

    Raises:
        BadInput: a version has no results, or they do not belong together.
    """
    before, after = read_metrics(old), read_metrics(new)
    added = {name: values["log_loss"] for name, values in after.items() if name not in before}
    removed = [name for name in before if name not in after]
    if different := _find_different_files(old, new):
        return Comparison({}, [], added, removed, _refuse(different), is_possible=False)
    both = [name for name in after if name in before]
    changes = find_changes(before, after, both)
    other = describe_other_processors(read_processors(old), read_processors(new), changes)
    same = [name for name in both if name not in changes]
    basis = [RULE] if changes else []
    return Comparison(changes, same, added, removed, basis, other_processor=other)


def _find_different_files(old: Version, new: Version) -> list[str]:
    """Return the files whose test battles differ between the versions.

    More battles for train change the table of all battles, but not those of test.
    """
    digest = read_test_digest(old)
    if digest and digest == read_test_digest(new):
        return []
    before, after = read_test_hashes(old), read_test_hashes(new)
    return [path for path in after if before.get(path) != after[path]]


def _refuse(different: Sequence[str]) -> list[str]:
    return [
        f"{join(different)} differ{'s' if len(different) == 1 else ''} between the versions, so "
        "that the test battles are not the same, and log losses cannot be compared. To see what a "
        "change does to the models, leave data, split and seed as they are."
    ]
