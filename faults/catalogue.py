"""The faults: of each what is done, what the user does then, and whether the next run mends it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from faults import disturbances
from faults.disturbances import Impossible
from faults.hub import downloading
from faults.recovery import recover
from faults.reproduction import reproduce
from faults.result import Result, read_result
from faults.workspace import copy_workspace, forget_stage

NOTHING = "nothing"
ROOM = "makes room"


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


FAULTS = (
    Fault(
        "The disk is full where the data is",
        "`data/` on a tmpfs with 8 KiB to spare, `fetch` has not run",
        "fetch",
        ROOM,
        partial(disturbances.full_disk, folder="data", left=2**13),
    ),
    Fault(
        "The disk is full where the tokens are",
        "`data/` on a tmpfs with 64 KiB to spare, `preprocess` has not run",
        "preprocess",
        ROOM,
        partial(disturbances.full_disk, folder="data", left=2**16),
    ),
    Fault(
        "The disk is full where the models are",
        "`models/` on a tmpfs with 1 MiB to spare, `train_exp1` has not run",
        "train_exp1",
        ROOM,
        partial(disturbances.full_disk, folder="models", left=2**20),
    ),
    Fault(
        "The disk is full where the metrics are",
        "`metrics/` on a tmpfs with 8 KiB to spare, `evaluate` has not run",
        "evaluate",
        ROOM,
        partial(disturbances.full_disk, folder="metrics", left=2**13),
    ),
    Fault(
        "The disk is full where checkpoints are",
        "`.checkpoints/` on a tmpfs with 64 KiB, `train_exp1` has not run",
        "train_exp1",
        NOTHING,
        partial(disturbances.full_disk, folder=".checkpoints", left=2**16),
    ),
    Fault(
        "The disk is full where DVC's cache is",
        "`.dvc/cache/` on a tmpfs with 4 KiB to spare, `train_reference` has not run",
        "train_reference",
        ROOM,
        partial(disturbances.full_disk, folder=".dvc/cache", left=2**12),
    ),
    Fault(
        "A download is cut",
        "`data.source: arena55k` from a hub on this machine, which breaks the connection after "
        "10 MiB and answers 503 when it is asked for the rest",
        None,
        NOTHING,
        disturbances.cut_download,
        source=downloading,
        targets=["fetch"],
    ),
    Fault(
        "A program writes into DVC's cache",
        "`data/battles.parquet` changed in `.dvc/cache/`, where it is no longer protected, and "
        "deleted in the workspace",
        None,
        NOTHING,
        partial(disturbances.changed_cache, out="data/battles.parquet"),
    ),
    Fault(
        "A file in DVC's cache is damaged by the disk",
        "a bit of `data/battles.parquet` flipped in `.dvc/cache/`, while its time and protection "
        "say that nothing has happened, and the file deleted in the workspace; `dvc repro`",
        None,
        "runs `make check-cache`",
        partial(disturbances.damaged_cache, out="data/battles.parquet"),
    ),
    Fault(
        "A checkpoint is damaged",
        "`train_exp1` killed, its checkpoint cut in the middle",
        "train_exp1",
        NOTHING,
        partial(disturbances.damaged_checkpoint, name="exp1-seed-2024.npz"),
    ),
    Fault(
        "Two `dvc repro` at once",
        "a second one started while the first runs `train_reference`",
        "train_reference",
        "waits for the first",
        partial(disturbances.two_at_once, stage="train_reference"),
    ),
    Fault(
        "DVC alone is killed",
        "SIGKILL to `dvc` while `train_exp1` runs, which goes on; then `dvc repro` at once",
        "train_exp1",
        NOTHING,
        partial(disturbances.orphan, stage="train_exp1"),
    ),
    Fault(
        "A kill while DVC writes `dvc.lock`",
        "`dvc.lock` cut off in its last entry, `report` has not run",
        "report",
        NOTHING,
        disturbances.half_a_record,
    ),
    Fault(
        "A kill while DVC writes which paths it locks",
        "`.dvc/tmp/rwlock` cut off, `report` has not run",
        "report",
        NOTHING,
        disturbances.half_a_lock,
    ),
    Fault(
        "A kill while DVC writes its memory of runs",
        "a folder in `.dvc/cache/runs/` without its file, `train_reference` has not run",
        None,
        NOTHING,
        partial(disturbances.half_a_run, stage="train_reference"),
    ),
)


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
