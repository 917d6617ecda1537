"""Run processes side by side, which end when one of them fails or when this process ends."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preference.runtime.errors import BadInput
from preference.runtime.stop_signals import end_now

POLL_SECONDS = 0.1
# Less than `GRACE_SECONDS` of `preference.runtime.stop_signals`, after which this process ends.
END_SECONDS = 2
# tqdm reads it: each process draws its progress bar in a line of its own.
BAR_POSITION = "TQDM_POSITION"


@dataclass(frozen=True)
class Process:
    """A process to start: its name in messages, its command and its environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def run_processes(processes: Sequence[Process], at_once: int, remedy: str) -> None:
    """Run processes, some at once, the first of them first, and wait for all.

    When one fails, the others are ended. A process that calls `end_with_parent` also ends when this
    process does.

    Args:
        processes: what is run.
        at_once: how many may run at the same time.
        remedy: what a user can do where one fails, as a sentence.

    Raises:
        BadInput: a process failed or was killed.
    """
    waiting, running = list(processes), dict[int, tuple[Process, subprocess.Popen]]()
    try:
        while waiting or running:
            for place in range(at_once):
                if waiting and place not in running:
                    running[place] = _start(waiting.pop(0), place)
            ended = {place for place, (_, child) in running.items() if child.poll() is not None}
            _check(running.values(), remedy)
            running = {place: running[place] for place in running if place not in ended}
            if not ended:
                time.sleep(POLL_SECONDS)
    finally:
        _end([child for _, child in running.values()])


def end_with_parent() -> None:
    """End this process when the one that started it by `run_processes` ends."""

    def wait() -> None:
        # The parent never writes: reading returns when the parent ends or closes the pipe.
        os.read(0, 1)
        end_now(1)

    threading.Thread(target=wait, daemon=True).start()


def _start(process: Process, place: int) -> tuple[Process, subprocess.Popen]:
    environment = {**process.environment, BAR_POSITION: str(place)}
    return process, subprocess.Popen(process.command, env=environment, stdin=subprocess.PIPE)


def _end(children: Iterable[subprocess.Popen]) -> None:
    """End the processes that still run, and give them time to remove unfinished files."""
    for child in children:
        if child.stdin:
            child.stdin.close()
        child.terminate()
    for child in children:
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _check(running: Iterable[tuple[Process, subprocess.Popen]], remedy: str) -> None:
    failed = [(child.returncode, process.name) for process, child in running if child.returncode]
    if failed:
        # The return code of a killed process is negative. It is reported first, because the other
        # processes may fail as a consequence.
        returncode, name = min(failed)
        raise BadInput(
            f"{name} ended early ({_describe(returncode)}), and with it the training. {remedy}"
        )


def _describe(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"status {returncode}, with the message above"
