"""Make the results to compare: those of the workspace, or of both versions with a profile.

Both versions run in the environment of the new one, even where its requirements differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.review.commands import dvc, git, show_dvc
from checks.review.revision import Revision
from preference.config.params import PARAMS_FILE
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import edit_yaml
from profiles.profile_parameters import read_profile

# The author of temporary commits, for users who have not configured one.
AUTHOR = ("-c", "user.name=pr-report", "-c", "user.email=pr-report@localhost")


@dataclass(frozen=True)
class Compared:
    """The folder with the new results, and the revision with the old ones.

    `profile` is the name of the profile that both were reproduced with, if any.
    """

    folder: Path
    base: Revision
    profile: str | None = None


def reproduce_workspace(folder: Path) -> bool:
    """Pull from the remote and reproduce; return False where there is no remote to pull from.

    Raises:
        BadInput: the pipeline fails.
    """
    if not dvc(folder, "remote", "list"):
        return False
    # A pull request from a fork has no access, and is treated as if there were no remote.
    if not show_dvc(folder, "pull", "--run-cache", "--allow-missing"):
        return False
    _reproduce(folder, "the workspace")
    return True


@contextmanager
def reproduce_both(base: Revision, profile: str, folder: Path) -> Iterator[Compared]:
    """Reproduce base and HEAD, each with its own profile of that name, in a temporary worktree.

    The workspace is not changed, and stages that are the same in both versions run once.

    Raises:
        BadInput: the workspace has uncommitted changes; a version has no such profile, or fails.
    """
    if git(folder, "status", "--porcelain"):
        raise BadInput(
            "with a profile, commits are compared, but the workspace has uncommitted changes: "
            "git commit, or git stash --include-untracked."
        )
    head = git(folder, "rev-parse", "HEAD")
    with _worktree(folder, base.commit) as both:
        _reproduce_with_profile(both, profile, base.name)
        results = _commit_all(both)
        _switch_with_results(both, base.commit, results, head)
        _reproduce_with_profile(both, profile, "HEAD")
        yield Compared(both, Revision(base.name, results), profile)


@contextmanager
def _worktree(repository: Path, commit: str) -> Iterator[Path]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "worktree"
        git(repository, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            cache = (repository / dvc(repository, "cache", "dir")).resolve()
            dvc(folder, "cache", "dir", "--local", str(cache))
            yield folder
        finally:
            git(repository, "worktree", "remove", "--force", str(folder))


def _switch_with_results(folder: Path, base: str, results: str, head: str) -> None:
    """Check out `head`, and keep the results of `base`, so that DVC runs only what differs.

    The run cache of DVC is not enough: it does not restore stages with a file outside the cache
    that is neither a metric nor a plot, such as `fetch` and `evaluate`.
    """
    made = git(folder, "diff", "--name-only", "-z", "--diff-filter=d", base, results).split("\0")
    made = [path for path in made if path and path != str(PARAMS_FILE)]
    git(folder, "checkout", "--quiet", "--force", "--detach", head)
    if made:
        git(folder, "checkout", results, "--", *made)


def _reproduce_with_profile(folder: Path, profile: str, version: str) -> None:
    try:
        edit_yaml(folder / PARAMS_FILE, read_profile(profile, folder))
    except BadInput as error:
        raise BadInput(f"{version} cannot be reproduced: {error}") from error
    _reproduce(folder, version)


def _reproduce(folder: Path, version: str) -> None:
    if not show_dvc(folder, "repro"):
        raise BadInput(f"dvc repro failed on {version}: see above.")


def _commit_all(folder: Path) -> str:
    """Commit without moving a branch, running a hook or asking for a signature."""
    git(folder, "add", "--all")
    tree = git(folder, "write-tree")
    return git(folder, *AUTHOR, "commit-tree", tree, "-p", "HEAD", "-m", "Results to compare")
