"""A lock that lets one process at a time run a stage.

DVC does not run a stage twice at once. But when only the `dvc` process is killed, the stage that it
started continues, and would write the same outputs as the stage of the next `dvc repro`.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preference.runtime.terminal_text import one_line

LOCKS = Path(".locks")


@contextmanager
def running_alone(task: str) -> Iterator[None]:
    """Hold the lock of a task while the block runs, after waiting for the process that holds it.

    Waiting is reported on stderr. The system releases the lock when the process ends, even if it is
    killed.

    Args:
        task: the name of the task, which becomes the name of the lock's file.
    """
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / task).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _report_waiting(task, lock.name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _report_waiting(task: str, lock: str) -> None:
    process = one_line(Path(lock).read_text(encoding="utf-8"))
    print(
        f"Process {process} is running {task} in this folder, perhaps because only the `dvc` that "
        f"started it was stopped. This one waits for it; `kill {process}` ends the waiting.",
        file=sys.stderr,
        flush=True,
    )
