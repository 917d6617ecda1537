"""The revisions whose results are compared."""

import re
from dataclasses import dataclass
from pathlib import Path

from checks.review.commands import CommandFailed, git
from preference.runtime.errors import BadInput

# The names that DVC gives or accepts, without what has a meaning in a pattern of git.
EXPERIMENT = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Revision:
    """`name` is what the user wrote, `commit` the full hash of what it stands for."""

    name: str
    commit: str


def find_revision(name: str, folder: Path) -> Revision:
    """Look a branch, tag, commit or DVC experiment up.

    Raises:
        BadInput: it is unknown, or several experiments have the name; or the folder is in no git
            repository.
    """
    try:
        commit = git(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except CommandFailed as error:
        commit = _find_experiment(name, folder, error)
    return Revision(name, commit)


def _find_experiment(name: str, folder: Path, error: CommandFailed) -> str:
    """Return the commit of an experiment, which DVC keeps at refs/exps/<its parent>/<its name>."""
    listed = ""
    if EXPERIMENT.fullmatch(name):
        try:
            pattern = f"refs/exps/*/*/{name}"
            listed = git(folder, "for-each-ref", "--format=%(objectname)", pattern)
        except CommandFailed:
            pass
    commits = set(listed.split())
    if not commits:
        raise BadInput(
            f"git knows no revision {name!r} ({error}), and DVC no experiment of this name. Name a "
            "branch, tag, commit or experiment of this clone, or fetch it first: git fetch origin, "
            "or dvc exp pull origin NAME."
        ) from error
    if len(commits) > 1:
        hashes = ", ".join(sorted(commit[:7] for commit in commits))
        raise BadInput(
            f"several experiments have the name {name!r}: name one by its hash: {hashes}."
        )
    return commits.pop()
