"""The results of `dvc params diff` and `dvc metrics diff`, and headline metrics, as Markdown.

Those of DVC are read as JSON, because the tables of DVC's own `--md` are not escaped.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from checks.review.changes import Metrics
from checks.review.commands import dvc
from checks.review.markdown import NONE, table
from checks.review.results import METRICS
from checks.review.revision import Revision
from preference.rendering.markdown_text import code

ROWS = 100


@dataclass(frozen=True)
class DifferingValue:
    """A parameter or metric that differs. A value is None where a version lacks it.

    `difference` is new minus old, and None where the values are not numbers.
    """

    path: str
    key: str
    old: Any
    new: Any
    difference: float | None


def read_diff(
    kind: Literal["params", "metrics"], base: Revision, folder: Path
) -> list[DifferingValue]:
    """Return what differs between a revision and the workspace, by file and key.

    Raises:
        CommandFailed: DVC cannot read a version.
    """
    found = json.loads(dvc(folder, kind, "diff", base.commit, "--json"))
    return [
        DifferingValue(path, key, values.get("old"), values.get("new"), values.get("diff"))
        for path, keys in sorted(found.items())
        for key, values in sorted(keys.items())
    ]


def diff_headline(old: Metrics, new: Metrics, unchanged: Collection[str]) -> list[DifferingValue]:
    """Return the metrics of metrics/evaluate.json that differ.

    The noise of a model that is itself unchanged depends on the other models, and is no change.
    """
    differing = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name, {}), new.get(name, {})
        for metric in dict.fromkeys([*before, *after]):
            one, other = before.get(metric), after.get(metric)
            if one == other or (metric == "log_loss_noise" and name in unchanged):
                continue
            difference = None if one is None or other is None else other - one
            differing.append(DifferingValue(METRICS, f"{name}.{metric}", one, other, difference))
    return differing


def find_stale_stages(folder: Path) -> list[str]:
    """Return the stages that `dvc repro` would run again in the workspace.

    Raises:
        CommandFailed: DVC cannot read the pipeline.
    """
    return sorted(json.loads(dvc(folder, "status", "--json")))


def params_table(differing: Sequence[DifferingValue], base: str) -> str:
    """Return the parameters of both versions; `base` is the Markdown of a heading."""
    rows = [[code(one.key), _cell(one.old), _cell(one.new)] for one in differing[:ROWS]]
    return table(["parameter", base, "here"], rows) + _count_rest(differing)


def metrics_table(differing: Sequence[DifferingValue], base: str, with_path: bool) -> str:
    """Return the metrics of both versions and their changes."""
    rows = [
        [
            code(f"{one.path}: {one.key}" if with_path else one.key),
            _cell(one.old),
            _cell(one.new),
            NONE if one.difference is None else f"{one.difference:+.6g}",
        ]
        for one in differing[:ROWS]
    ]
    return table(["metric", base, "here", "change"], rows) + _count_rest(differing)


def _cell(value: object) -> str:
    if value is None:
        return NONE
    return f"{value:.6g}" if isinstance(value, float) else code(value)


def _count_rest(differing: Sequence[DifferingValue]) -> str:
    rest = len(differing) - ROWS
    return f"\n\n… and {rest} more." if rest > 0 else ""
