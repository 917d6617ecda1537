"""A fault: what is done, what the user does then, and whether the next `dvc repro` mends it."""

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
        name: of it.
        done: what is done to a workspace in which `stage` has not run.
        stage: None where all stages have run.
        then: what the user does before the next `dvc repro`.
        cause: does it, and gives what the user saw.
        source: lets a workspace read its battles from elsewhere, where the fault is about that;
            then the undisturbed result is made anew, and `targets` alone are asked for.
        targets: stages.
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
    """What came of a fault.

    Args:
        name, done, then: as of the fault.
        saw: what the user saw.
        helped: what DVC asked for before it went on.
        identical: whether the next `dvc repro` gave the undisturbed result.
        different: what differs.
        skipped: why the fault could not be caused on this machine; else None.
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
    """Yield what comes of each fault.

    Args:
        faults: to be tried.
        base: a workspace in which everything has run.
        scratch: where to work.
        expected: the undisturbed result.
    """
    for fault in tqdm(faults, unit=" faults"):
        yield try_fault(fault, base, scratch, expected)


def try_fault(fault: Fault, base: Path, scratch: Path, expected: Result) -> FaultResult:
    """Cause a fault, run `dvc repro` once more, and compare."""
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
        raise RuntimeError(f"{fault.name}: not even undisturbed:\n{reproduction.output[-3000:]}")
    return read_result(workspace)
