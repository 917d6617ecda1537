"""What can happen to the files that DVC keeps for itself, and what its user then sees.

Contexts as in `checks.faults.disturbances`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.faults.recovery import RWLOCK
from checks.faults.reproduction import messages, reproduce
from checks.faults.workspace import LOCK, cached_object, forget_stage, outputs_of, remembered_runs


@contextmanager
def changed_cache(workspace: Path, out: str) -> Iterator[list[str]]:
    """Let a program write into an output in DVC's cache, and lose the copy in the workspace."""
    path = _flip_bit(workspace, out)
    path.chmod(0o644)
    yield _of_stage(reproduce(workspace).output, "fetch")


@contextmanager
def damaged_cache(workspace: Path, out: str) -> Iterator[list[str]]:
    """Let a bit of an output in DVC's cache become another one, and lose the workspace's copy.

    That is not seen by DVC, which checks the damage out; so the cache is checked after that.
    """
    path = cached_object(workspace, dict(outputs_of(workspace))[workspace / out])
    before = path.stat()
    _flip_bit(workspace, out)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    said = _of_stage(reproduce(workspace).output, "fetch")
    check = [sys.executable, "-m", "checks.faults.cache_check"]
    checked = subprocess.run(check, cwd=workspace, text=True, capture_output=True)
    yield said + checked.stdout.splitlines()


@contextmanager
def half_a_record(workspace: Path) -> Iterator[list[str]]:
    """Cut dvc.lock, as a kill does in the moment in which DVC writes it, in the middle of a key."""
    path = workspace / LOCK
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("deps:") + len("de")], encoding="utf-8")
    yield messages(reproduce(workspace).output)


@contextmanager
def half_a_lock(workspace: Path) -> Iterator[list[str]]:
    """Cut DVC's list of locked paths in the same way."""
    (workspace / RWLOCK).write_text('{"write": {')
    yield messages(reproduce(workspace).output)


@contextmanager
def half_a_run(workspace: Path, stage: str) -> Iterator[list[str]]:
    """Leave a stage's folder in DVC's memory of runs empty; all else is as before its first run."""
    (run,) = remembered_runs(workspace, stage)
    forget_stage(workspace, stage)
    run.parent.mkdir(parents=True)
    yield messages(reproduce(workspace).output)


def _flip_bit(workspace: Path, out: str) -> Path:
    """Change an output in DVC's cache, delete it in the workspace, and return its cached file."""
    path = cached_object(workspace, dict(outputs_of(workspace))[workspace / out])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)
    (workspace / out).unlink()
    return path


def _of_stage(output: str, stage: str) -> list[str]:
    return [line for line in output.splitlines() if re.match(f"(Stage|Running).*'{stage}'", line)]
