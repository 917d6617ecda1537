"""The revision that the workspace is compared with."""

from dataclasses import dataclass
from pathlib import Path

from preference.runtime.errors import BadInput
from review.commands import CommandFailed, git


@dataclass(frozen=True)
class Revision:
    """`name` is what the user wrote, `commit` the full hash of what it stands for."""

    name: str
    commit: str


def find_revision(name: str, folder: Path) -> Revision:
    """Look a branch, tag or commit up.

    Raises:
        BadInput: git knows no such revision, or the folder is in no git repository.
    """
    try:
        commit = git(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except CommandFailed as error:
        raise BadInput(
            f"git knows no revision {name!r} ({error}). Name a branch, tag or commit of this "
            "clone, or fetch it first: git fetch origin."
        ) from error
    return Revision(name, commit)
