"""Cause a fault, and check whether the next `dvc repro` recovers from it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from checks.faults.disturbances import Impossible
from checks.faults.recovery import recover
from checks.faults.reproduction import reproduce
from checks.faults.result import Result, read_result
from checks.faults.workspace import copy_workspace, forget_stage


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Args:
        name: the title of the fault.
        done: what is done to the workspace, in words.
        stage: the stage that has not run yet, or None where all stages have run.
        then: what the user does before the next `dvc repro`, in words.
        cause: a context manager that causes the fault, and yields what the user saw.
        source: a context manager in which the workspace reads its battles from another source. The
            undisturbed result is then made from this source, by `targets` alone.
        targets: the stages to reproduce; all where it is empty.
    """

    name: str
    done: str
    stage: str | None
    then: str
    cause: Callable[[Path], AbstractContextManager[list[str]]]
    source: Callable[[Path], AbstractContextManager[object]] | None = None
    targets: Sequence[str] = ()


@dataclass(frozen=True)
class FaultResult:
    """The result of a fault.

    Args:
        name: the name of the fault.
        done: the same as of the fault.
        then: the same as of the fault.
        saw: the messages that the user saw.
        helped: the commands that DVC needed before it continued.
        identical: whether the next `dvc repro` gave the undisturbed result.
        different: the names of what differs.
        skipped: why the fault could not be caused on this machine, or None.
    """

    name: str
    done: str
    then: str
    saw: Sequence[str] = ()
    helped: Sequence[str] = ()
    identical: bool = False
    different: Sequence[str] = ()
    skipped: str | None = None


def try_faults(
    faults: Sequence[Fault], base: Path, scratch: Path, expected: Result
) -> Iterator[FaultResult]:
    """Yield the result of each fault.

    Args:
        faults: the faults to cause.
        base: a workspace in which all stages have run.
        scratch: the folder for copies of it.
        expected: the undisturbed result.
    """
    for fault in tqdm(faults, unit=" faults"):
        yield try_fault(fault, base, scratch, expected)


def try_fault(fault: Fault, base: Path, scratch: Path, expected: Result) -> FaultResult:
    """Cause a fault, run `dvc repro` again, and compare the result."""
    if fault.source:
        expected = _undisturbed(fault, base, scratch)
    workspace = copy_workspace(base, scratch)
    if fault.stage:
        forget_stage(workspace, fault.stage)
    try:
        with fault.cause(workspace) as saw:
            recovery = recover(workspace, expected, fault.targets)
    except Impossible as reason:
        return FaultResult(fault.name, fault.done, fault.then, skipped=str(reason))
    return FaultResult(
        fault.name,
        fault.done,
        fault.then,
        saw,
        recovery.helped,
        recovery.identical,
        recovery.different,
    )


def _undisturbed(fault: Fault, base: Path, scratch: Path) -> Result:
    workspace = copy_workspace(base, scratch)
    with fault.source(workspace):
        reproduction = reproduce(workspace, fault.targets)
    if not reproduction.succeeded:
        raise RuntimeError(f"{fault.name}: fails undisturbed:\n{reproduction.output[-3000:]}")
    return read_result(workspace)
