"""Recover as a user does: `dvc repro`, after the remedy for DVC's error where there is one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.faults.reproduction import Reproduction, messages, reproduce
from checks.faults.result import Result, differences, read_result
from checks.faults.workspace import LOCK, git_checkout

RWLOCK, RUNS = ".dvc/tmp/rwlock", ".dvc/cache/runs"


@dataclass(frozen=True)
class Remedy:
    """A message of DVC, and the command that removes its cause."""

    message: str
    command: str
    apply: Callable[[Path], None]


def _remove_empty_runs(workspace: Path) -> None:
    for folder in (workspace / RUNS).glob("*/*"):
        if not any(folder.iterdir()):
            folder.rmdir()


# DVC writes both files in place, so that a kill can leave one incomplete. It creates a folder in
# its run cache before the file in it, so that a kill can leave the folder empty.
REMEDIES = (
    Remedy(f"{LOCK}'", f"git checkout {LOCK}", lambda folder: git_checkout(folder, LOCK)),
    Remedy(f"{RWLOCK}'", f"rm {RWLOCK}", lambda folder: (folder / RWLOCK).unlink()),
    Remedy("not 'NoneType'", f"find {RUNS} -type d -empty -delete", _remove_empty_runs),
)


@dataclass(frozen=True)
class Recovery:
    """The result of a recovery.

    Args:
        different: the names of files that differ from the undisturbed run, or why the run failed.
        helped: the commands of the remedies that were needed.
        said: the messages of DVC before each remedy.
        output: the output of all runs.
    """

    different: list[str]
    helped: list[str]
    said: list[str]
    output: str

    @property
    def identical(self) -> bool:
        """Whether the result is that of the undisturbed run."""
        return not self.different


def recover(workspace: Path, expected: Result, targets: Sequence[str] = ()) -> Recovery:
    """Run `dvc repro` again, with each remedy at most once, and compare the result."""
    helped: list[str] = []
    said: list[str] = []
    reproduction = reproduce(workspace, targets)
    output = reproduction.output
    while remedy := _remedy_for(reproduction, helped):
        said.append(" ".join(messages(reproduction.output)))
        remedy.apply(workspace)
        helped.append(remedy.command)
        reproduction = reproduce(workspace, targets)
        output += reproduction.output
    if not reproduction.succeeded:
        return Recovery(messages(reproduction.output), helped, said, output)
    return Recovery(differences(read_result(workspace), expected), helped, said, output)


def _remedy_for(reproduction: Reproduction, helped: list[str]) -> Remedy | None:
    if reproduction.succeeded:
        return None
    errors = " ".join(messages(reproduction.output))
    fitting = (remedy for remedy in REMEDIES if remedy.message in errors)
    return next((remedy for remedy in fitting if remedy.command not in helped), None)
