"""Start the processes of a training, and watch them: they go on together or not at all."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from preference.errors import BadInput
from preference.stop_signals import end_now

POLL_SECONDS = 0.1
# Less than `GRACE_SECONDS`, after which this process ends itself.
END_SECONDS = 2


def run_processes(
    command: Sequence[str], environments: Mapping[int, Mapping[str, str]], size: int
) -> None:
    """Run a command once for each environment, and wait for all.

    Where one ends early, the others are ended, for they would wait for it. They end too when this
    process does (`end_with_parent`).

    Args:
        command: the same for all.
        environments: by rank.
        size: how many there are on all hosts.

    Raises:
        BadInput: one failed or was killed.
    """
    started = {
        rank: subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
        for rank, environment in environments.items()
    }
    try:
        while any([process.poll() is None for process in started.values()]):
            _check(started, size)
            time.sleep(POLL_SECONDS)
        _check(started, size)
    finally:
        _end(started.values())


def end_with_parent() -> None:
    """Watch, in a process that `run_processes` started, for the end of the one that started it."""

    def wait() -> None:
        # Nothing is ever written: reading ends when the writer does, or closes it.
        os.read(0, 1)
        end_now(1)

    threading.Thread(target=wait, daemon=True).start()


def _end(processes: Iterable[subprocess.Popen]) -> None:
    """End the processes that still run, and give them time to remove what is unfinished."""
    for process in processes:
        process.stdin.close()
        process.terminate()
    for process in processes:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _check(started: Mapping[int, subprocess.Popen], size: int) -> None:
    failed = [(process.returncode, rank) for rank, process in started.items() if process.returncode]
    if failed:
        # A signal's number is negative: who was killed comes before who could not go on alone.
        returncode, rank = min(failed)
        elsewhere = " on every host" if size > len(started) else ""
        raise BadInput(
            f"process {rank} of {size} ended early ({_describe(returncode)}), and with it the "
            f"training. Run the same command again{elsewhere}: the training goes on from its last "
            "checkpoint."
        )


def _describe(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"status {returncode}, with the message above"
