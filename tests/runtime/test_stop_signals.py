"""A command that is told to stop cleans up and ends, whatever it is doing."""

import os
import signal
import subprocess
import sys

import pytest
from repository import REPOSITORY

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
PROGRAM = """
import hashlib, os, sys, time
from pathlib import Path
from preference.runtime import stop_signals
from preference.runtime.atomic_write import writing_file
from preference.runtime.errors import exit_on_bad_input
from preference.runtime.processes import Process, end_with_parent, run_processes

stop_signals.GRACE_SECONDS = float(os.environ["GRACE"])

def wait():
    print("ready", flush=True)
    time.sleep(100)

def native():
    print("ready", flush=True)
    # No signal interrupts it, and it lets other threads run.
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)

def swallowed():
    try:
        wait()
    except BaseException:
        time.sleep(100)

class Finalized:
    def __del__(self):
        wait()

def in_finalizer():
    Finalized()
    time.sleep(100)

def made_into_another():
    try:
        wait()
    except BaseException as error:
        raise ImportError("initialization failed") from error

def in_child():
    run_processes([Process("child", [sys.executable, __file__, "child"], os.environ)], 1, "")

def child():
    end_with_parent()
    native()

with exit_on_bad_input(), writing_file(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    globals()[sys.argv[1]]()
"""


def ignore_no_signal():
    """Undo what the tests were started with: `nohup` and a shell's `&` let signals be ignored."""
    for number in STATUS:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Start a program in an empty folder, and return it when it says that it is ready."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    (tmp_path / "work").mkdir()

    def run(what, grace, before=ignore_no_signal):
        process = subprocess.Popen(
            [sys.executable, str(program), what],
            cwd=tmp_path / "work",
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "GRACE": str(grace)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )
        assert process.stdout.readline() == "ready\n"
        assert list((tmp_path / "work").iterdir())
        return process

    return run


@pytest.mark.parametrize(
    ("what", "grace", "number"),
    [
        ("wait", 100, signal.SIGINT),
        ("wait", 100, signal.SIGTERM),
        ("wait", 100, signal.SIGHUP),
        ("made_into_another", 100, signal.SIGTERM),
        ("native", 0.1, signal.SIGTERM),
        ("swallowed", 0.1, signal.SIGINT),
        ("in_finalizer", 0.1, signal.SIGTERM),
        ("in_child", 100, signal.SIGTERM),
    ],
)
def test_it_ends_silently_with_the_status_of_the_signal_and_leaves_nothing(
    start, tmp_path, what, grace, number
):
    process = start(what, grace)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (STATUS[number], "")
    assert not list((tmp_path / "work").iterdir())


def test_a_signal_that_someone_ignores_on_purpose_stays_ignored(start, tmp_path):
    """As `nohup` does for a terminal that is closed."""
    process = start("wait", 0.1, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == STATUS[signal.SIGTERM]


def test_ctrl_c_during_the_imports_ends_a_command_silently(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text((REPOSITORY / "stages/__init__.py").read_text())
    (package / "command.py").write_text("import time; print('ready', flush=True); time.sleep(100)")
    process = subprocess.Popen(
        [sys.executable, "-m", "package.command"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:."},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=ignore_no_signal,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == ""
    # A shell makes 130 of it.
    assert process.returncode == -signal.SIGINT


def test_handlers_are_as_before_when_the_block_has_ended():
    from preference.runtime.errors import exit_on_bad_input

    before = [signal.getsignal(one) for one in STATUS]
    with exit_on_bad_input():
        assert [signal.getsignal(one) for one in STATUS] != before
    assert [signal.getsignal(one) for one in STATUS] == before
