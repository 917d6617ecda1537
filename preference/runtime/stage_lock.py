"""One process a task: a second one waits for the first.

DVC does not run one stage in two of its processes at once. But where DVC alone is killed, the stage
that it had started goes on, and would write into what the next `dvc repro` writes.
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
    """Hold the lock of a task while the block runs; say on stderr for whom it has to wait.

    The system releases the lock when the process ends, however it ends.

    Args:
        task: what no two processes may do at once in this folder; it becomes a file's name.
    """
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / task).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell_of_the_other(task, lock.name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _tell_of_the_other(task: str, lock: str) -> None:
    process = one_line(Path(lock).read_text(encoding="utf-8"))
    print(
        f"Process {process} is running {task} in this folder, perhaps because only the `dvc` that "
        f"started it was stopped. This one waits for it; `kill {process}` ends the waiting.",
        file=sys.stderr,
        flush=True,
    )
