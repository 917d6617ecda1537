"""Disturb a running pipeline in other ways than by a kill, and return what the user sees.

Each function is a context manager, which disturbs a workspace and yields the messages that the user
saw. Within the block, `dvc repro` can run again; after it, the disturbance is removed.
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

# More than the pipeline writes.
ROOM = "1G"
# The unit in which tmpfs allocates memory, in bytes.
PAGE = 4096
CHECKPOINTS = ".checkpoints"
WAITING = "waits for it"
# How our stages, and how the system, say that there is no room.
FULL = "[Dd]isk is full|No space left"
POLL_S = 0.01


class Impossible(Exception):
    """The fault cannot be caused on this machine."""


@contextmanager
def full_disk(workspace: Path, folder: str, left: int) -> Iterator[list[str]]:
    """Run while a folder has a disk of its own with `left` bytes to spare; then make room there.

    Raises:
        Impossible: no disk can be mounted.
    """
    with _disk(workspace / folder, left):
        reproduction = reproduce(workspace)
        _mount("-o", f"remount,size={ROOM}", workspace / folder)
        # A training that cannot write its checkpoint continues, and so does DVC where it cannot
        # copy an output into its cache: it says an error, and exits with 0.
        warnings = _lines_with(reproduction.output, "No checkpoint could")
        said = warnings or messages(reproduction.output)
        if not any(re.search(FULL, line) for line in said):
            raise RuntimeError(f"{folder} did not become full")
        yield said


@contextmanager
def cut_download(workspace: Path) -> Iterator[list[str]]:
    """Break the connection in the middle of the file; then the hub answers that it is busy."""
    with downloading(workspace) as hub:
        hub.breaks = True
        reproduction = reproduce(workspace, ["fetch"])
        hub.breaks, hub.ranges = False, []
        yield messages(reproduction.output)
        if not all(hub.ranges):
            raise RuntimeError("the download started from scratch")


@contextmanager
def damaged_checkpoint(workspace: Path, name: str) -> Iterator[list[str]]:
    """Kill a training that has a checkpoint, and truncate the checkpoint."""
    path = workspace / CHECKPOINTS / name
    running = Running(workspace)
    _wait_for(path, running)
    running.kill(0)
    os.truncate(path, path.stat().st_size // 2)
    yield _lines_with(reproduce(workspace).output, "is damaged")


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
    """Kill DVC alone while a stage runs, which continues, and start `dvc repro` again at once."""
    lock = workspace / ".locks" / stage
    running = Running(workspace)
    _wait_for(lock, running)
    while not (process := lock.read_text(encoding="utf-8")):
        time.sleep(POLL_S)
    running.kill_dvc_alone()
    # Otherwise such a small stage would end before the next run has loaded its modules.
    os.kill(int(process), signal.SIGSTOP)
    following = Running(workspace)
    following.wait_for(WAITING)
    os.kill(int(process), signal.SIGCONT)
    yield _lines_with(following.finish().output, WAITING)


def _lines_with(output: str, words: str) -> list[str]:
    """Return the distinct lines with these words, without the progress bar before them."""
    lines = (re.sub(r"^.*%\|.*?\]", "", line) for line in re.split(r"[\r\n]+", output))
    return list(dict.fromkeys(line.strip() for line in lines if words in line))


def _wait_for(path: Path, running: Running) -> None:
    while not path.exists():
        if running.process.poll() is not None:
            raise RuntimeError(f"{path.name} was never written:\n{running.output()[-2000:]}")
        time.sleep(POLL_S)


@contextmanager
def _disk(place: Path, left: int) -> Iterator[None]:
    """Mount a tmpfs with the files of the folder, and with `left` bytes to spare."""
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
