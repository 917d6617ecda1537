"""What can be done to a pipeline besides killing it, and what its user then sees.

Each function is a context. It disturbs a workspace, and gives what the user saw; while it is open
`dvc repro` can run again, and after it nothing of the disturbance is left.
"""

import math
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.faults.hub import downloading
from checks.faults.reproduction import Running, messages, reproduce, started

# More than enough for what is to come.
ROOM = "1G"
# A tmpfs holds whole pages.
PAGE = 4096
CHECKPOINTS = ".checkpoints"
WAITING = "waits for it"
POLL_S = 0.01


class Impossible(Exception):
    """This machine does not let the fault be caused."""


@contextmanager
def full_disk(workspace: Path, folder: str, left: int) -> Iterator[list[str]]:
    """Run while a folder has a disk of its own with `left` bytes to spare; then make room there.

    Raises:
        Impossible: nothing can be mounted here.
    """
    with _disk(workspace / folder, left):
        reproduction = reproduce(workspace)
        _mount("-o", f"remount,size={ROOM}", workspace / folder)
        said = _said(reproduction.output, "No checkpoint could")
        if reproduction.succeeded and not said:
            raise RuntimeError(f"{folder} did not become full")
        yield said or messages(reproduction.output)


@contextmanager
def cut_download(workspace: Path) -> Iterator[list[str]]:
    """Break the connection in the middle of the file, and let the hub be busy after that."""
    with downloading(workspace) as hub:
        hub.breaks = True
        reproduction = reproduce(workspace, ["fetch"])
        hub.breaks, hub.ranges = False, []
        yield messages(reproduction.output)
        if not all(hub.ranges):
            raise RuntimeError("the download began anew")


@contextmanager
def damaged_checkpoint(workspace: Path, name: str) -> Iterator[list[str]]:
    """Kill a training that has a checkpoint, and cut that in the middle."""
    path = workspace / CHECKPOINTS / name
    running = Running(workspace)
    _wait_for(path, running)
    running.kill(0)
    os.truncate(path, path.stat().st_size // 2)
    yield _said(reproduce(workspace).output, "is damaged")


@contextmanager
def two_at_once(workspace: Path, stage: str) -> Iterator[list[str]]:
    """Start a second `dvc repro` while the first runs a stage, and wait for both."""
    first = Running(workspace)
    first.wait_for(started(stage))
    second = reproduce(workspace)
    first.finish()
    yield messages(second.output)


@contextmanager
def orphan(workspace: Path, stage: str) -> Iterator[list[str]]:
    """Kill DVC alone while a stage runs, which goes on, and start the next `dvc repro` at once."""
    lock = workspace / ".locks" / stage
    running = Running(workspace)
    _wait_for(lock, running)
    while not (process := lock.read_text(encoding="utf-8")):
        time.sleep(POLL_S)
    running.kill_dvc_alone()
    # Else so small a stage would end before the next one has loaded its modules.
    os.kill(int(process), signal.SIGSTOP)
    following = Running(workspace)
    following.wait_for(WAITING)
    os.kill(int(process), signal.SIGCONT)
    yield _said(following.finish().output, WAITING)


def _said(output: str, what: str) -> list[str]:
    """Return the different lines with these words, without a progress bar that stood before."""
    lines = (re.sub(r"^.*%\|.*?\]", "", line) for line in re.split(r"[\r\n]+", output))
    return list(dict.fromkeys(line.strip() for line in lines if what in line))


def _wait_for(path: Path, running: Running) -> None:
    while not path.exists():
        if running.process.poll() is not None:
            raise RuntimeError(f"{path.name} was never written:\n{running.output()[-2000:]}")
        time.sleep(POLL_S)


@contextmanager
def _disk(place: Path, left: int) -> Iterator[None]:
    """Mount a tmpfs with what the folder has, and so many bytes more."""
    place.mkdir(exist_ok=True)
    files = (path for path in place.rglob("*") if path.is_file())
    used = sum(PAGE * math.ceil(path.stat().st_size / PAGE) for path in files)
    with TemporaryDirectory() as copy:
        shutil.copytree(place, copy, dirs_exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={used + left}", "tmpfs", place)
        try:
            shutil.copytree(copy, place, dirs_exist_ok=True)
            yield
        finally:
            subprocess.run(["umount", place], check=True)


def _mount(*arguments: str | Path) -> None:
    done = subprocess.run(["mount", *arguments], text=True, capture_output=True)
    if done.returncode:
        raise Impossible(done.stderr.strip())
