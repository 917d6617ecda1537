"""Processes that run side by side: as many at once as is said, and together to the end."""

import os
import sys
import time

import pytest

from preference.runtime.errors import BadInput
from preference.runtime.processes import Process, run_processes

# Writes when it began and ended, and where its progress bar is.
PROGRAM = """
import os, sys, time
began = time.monotonic()
time.sleep(float(sys.argv[2]))
with open(sys.argv[1], "w") as file:
    print(began, time.monotonic(), os.environ["TQDM_POSITION"], file=file)
sys.exit(int(sys.argv[3]))
"""


def process(path, seconds=0.3, status=0):
    command = [sys.executable, "-c", PROGRAM, str(path), str(seconds), str(status)]
    return Process(path.name, command, os.environ)


def read(path):
    began, ended, place = path.read_text().split()
    return float(began), float(ended), int(place)


def most_at_once(spans):
    return max(sum(began <= moment < ended for began, ended, _ in spans) for moment, _, _ in spans)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_as_many_run_at_once_as_is_said(tmp_path, at_once):
    paths = [tmp_path / str(number) for number in range(4)]
    run_processes([process(path, seconds=1) for path in paths], at_once, "")
    spans = [read(path) for path in paths]
    assert most_at_once(spans) == at_once
    # Two bars are never drawn in one line at the same time.
    assert {place for _, _, place in spans} == set(range(at_once))
    for began, _, place in spans:
        earlier = [end for begin, end, other in spans if other == place and begin < began]
        assert all(end <= began for end in earlier)


def test_one_that_fails_ends_the_others_and_keeps_the_rest_from_starting(tmp_path):
    waits, fails, never = (tmp_path / name for name in ("waits", "fails", "never"))
    begin = time.monotonic()
    with pytest.raises(BadInput, match=r"fails ended early \(status 3, .*\).* Try again\."):
        run_processes(
            [process(waits, seconds=600), process(fails, status=3), process(never)], 2, "Try again."
        )
    assert time.monotonic() - begin < 300
    assert not waits.exists() and not never.exists()


def test_one_that_is_killed_is_named(tmp_path):
    killed = Process("killed", ["sh", "-c", "kill -9 $$"], os.environ)
    with pytest.raises(BadInput, match=r"killed ended early \(killed by SIGKILL\)"):
        run_processes([killed], 1, "")
