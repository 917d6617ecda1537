"""A second process waits for the first, says so, and goes on when that has ended, however."""

import os
import signal
import subprocess
import sys

import pytest
from repository import REPOSITORY

PROGRAM = """
import sys
from preference.runtime.stage_lock import running_alone
with running_alone(sys.argv[1]):
    print("begun", flush=True)
    sys.stdin.readline()
"""


def start(folder, task):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, task],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", ["end", "kill"])
def test_the_second_waits_for_the_first(tmp_path, how):
    first = start(tmp_path, "fetch")
    assert first.stdout.readline() == "begun\n"
    second = start(tmp_path, "fetch")
    said = second.stderr.readline()
    assert said.startswith(f"Process {first.pid} is running fetch in this folder")
    assert f"`kill {first.pid}`" in said
    other = start(tmp_path, "split")
    assert other.stdout.readline() == "begun\n"
    assert second.poll() is None
    if how == "kill":
        first.send_signal(signal.SIGKILL)
    else:
        first.communicate("\n")
    assert second.stdout.readline() == "begun\n"
    for process in (first, second, other):
        process.communicate("\n" if process.poll() is None else None)
    assert [second.returncode, other.returncode] == [0, 0]
