"""The processors that experiments were trained on: another one may give other results."""

import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from preference.config.experiment import IndexEntry
from preference.models.training_record import read_record
from preference.rendering.numbers import join
from preference.runtime.processor import PROCESSOR
from preference.runtime.strict_json import parse_json

# By experiment; those whose record does not have it are missing.
Processors = Mapping[str, str]


def processors_of(entries: Sequence[IndexEntry]) -> dict[str, str]:
    """Return the processor that each experiment was first trained on, where it is recorded."""
    versions = {entry.name: read_record(entry.name, entry.seeds[0]).versions for entry in entries}
    return {name: each[PROCESSOR] for name, each in versions.items() if PROCESSOR in each}


def describe_other_processors(
    old: Processors, new: Processors, changed: Collection[str]
) -> str | None:
    """Say which changed models were trained on another processor; None where none was."""
    others = [name for name in changed if name in old and name in new and old[name] != new[name]]
    if not others:
        return None
    before, after = (
        join(list(dict.fromkeys(processors[name] for name in others))) for processors in (old, new)
    )
    return (
        f"trained on another processor: {join(others)} on {before}, now on {after}. Differences "
        "may be the machine's."
    )


def compare_with_committed(headline: Mapping[str, Any], processors: Processors) -> str | None:
    """Say whether the committed results differ, and are of another processor.

    Without git or a commit there is nothing to compare with.

    Args:
        headline: the content of metrics/evaluate.json.
        processors: of the present trainings.
    """
    metrics, details = (
        _read_committed(Path("metrics") / file)
        for file in ("evaluate.json", "evaluation_details.json")
    )
    changed = [
        name
        for name, values in headline.items()
        if name in metrics and not _is_same(metrics[name]["log_loss"], values["log_loss"])
    ]
    found = describe_other_processors(details.get("processors", {}), processors, changed)
    return found and f"compared with the results of the last commit, {found}"


def _is_same(committed: float, present: float) -> bool:
    # Metrics files are rounded to six decimals.
    return abs(committed - present) < 1e-6


def _read_committed(path: Path) -> Mapping[str, Any]:
    try:
        done = subprocess.run(
            ["git", "show", f"HEAD:./{path.as_posix()}"], capture_output=True, check=True
        )
        content = parse_json(done.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
