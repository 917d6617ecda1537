"""Damage the internal files of DVC, and return what the user sees.

The functions are context managers like those of `checks.faults.disturbances`.
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
    """Write into an output in DVC's cache, and delete the copy in the workspace."""
    path = _flip_bit(workspace, out)
    path.chmod(0o644)
    yield _lines_of_stage(reproduce(workspace).output, "fetch")


@contextmanager
def damaged_cache(workspace: Path, out: str) -> Iterator[list[str]]:
    """Flip a bit of an output in DVC's cache, and delete the copy in the workspace.

    DVC does not notice it, and checks the damaged file out; then the cache is checked.
    """
    path = cached_object(workspace, dict(outputs_of(workspace))[workspace / out])
    before = path.stat()
    _flip_bit(workspace, out)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    reported = _lines_of_stage(reproduce(workspace).output, "fetch")
    check = [sys.executable, "-m", "checks.faults.cache_check"]
    checked = subprocess.run(check, cwd=workspace, text=True, capture_output=True)
    yield reported + checked.stdout.splitlines()


@contextmanager
def half_a_record(workspace: Path) -> Iterator[list[str]]:
    """Truncate dvc.lock in the middle of a key, as a kill of DVC while it writes can do."""
    path = workspace / LOCK
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("deps:") + len("de")], encoding="utf-8")
    yield messages(reproduce(workspace).output)


@contextmanager
def half_a_lock(workspace: Path) -> Iterator[list[str]]:
    """Truncate DVC's list of locked paths, as a kill of DVC while it writes can do."""
    (workspace / RWLOCK).write_text('{"write": {')
    yield messages(reproduce(workspace).output)


@contextmanager
def half_a_run(workspace: Path, stage: str) -> Iterator[list[str]]:
    """Make a stage one that has not run, but leave its folder in DVC's run cache, empty."""
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


def _lines_of_stage(output: str, stage: str) -> list[str]:
    return [line for line in output.splitlines() if re.match(f"(Stage|Running).*'{stage}'", line)]
