"""The processes that train one model together, as the environment names them.

On one host, PREFERENCE_PROCESSES says how many to start. On several hosts each starts one, and
JAX_COORDINATOR_ADDRESS (host:port of the first), JAX_NUM_PROCESSES and JAX_PROCESS_ID (from 0) say
which. How many there are changes a result by float32 noise alone, so it is no parameter.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preference.config.params import TrainParams
from preference.runtime.errors import BadInput
from preference.runtime.stop_signals import end_now

STARTED_HERE = "PREFERENCE_PROCESSES"
COORDINATOR, SIZE, RANK = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
LOCAL_HOST = "127.0.0.1"


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of all hosts.

    Args:
        size: how many.
        ranks: of those that this host starts.
        coordinator: host and port at which the first waits for the others; "" for this host.
    """

    size: int
    ranks: range
    coordinator: str = ""

    @property
    def has_first(self) -> bool:
        """Whether this host starts the process that writes."""
        return 0 in self.ranks

    def environments(self, environment: Mapping[str, str]) -> dict[int, dict[str, str]]:
        """Return the environment of each process that this host starts, by its rank."""
        inherited = {name: value for name, value in environment.items() if name != STARTED_HERE}
        if self.size > 1 and not self.coordinator:
            address = f"{LOCAL_HOST}:{_free_port()}"
            inherited |= {COORDINATOR: address, "JAX_COORDINATOR_BIND_ADDRESS": address}
        found = {}
        for rank in self.ranks:
            found[rank] = inherited | {SIZE: str(self.size), RANK: str(rank)}
            if len(self.ranks) > 1:
                # A GPU each, where there are any.
                found[rank]["JAX_LOCAL_DEVICE_IDS"] = str(rank)
        return found


def read_process_group(environment: Mapping[str, str], train: TrainParams) -> ProcessGroup:
    """Return the processes that the environment asks for, or the only one.

    Raises:
        BadInput: a variable is missing or no number in its range, or the training cannot be
            distributed.
    """
    if environment.get(SIZE, "1") == "1":
        size = _number(environment, STARTED_HERE, "1", at_least=1)
        group = ProcessGroup(size, range(size))
    else:
        if STARTED_HERE in environment:
            raise BadInput(f"unset {STARTED_HERE} or {SIZE}: the first is for one host alone.")
        size = _number(environment, SIZE, "", at_least=1)
        rank = _number(environment, RANK, "", at_least=0)
        if rank >= size:
            raise BadInput(f"{RANK}={rank} must be less than {SIZE}={size}.")
        if ":" not in environment.get(COORDINATOR, ""):
            raise BadInput(f"set {COORDINATOR} to host:port of process 0, such as 10.0.0.1:29500.")
        group = ProcessGroup(size, range(rank, rank + 1), environment[COORDINATOR])
    if group.size > 1 and train.distribution == "none":
        raise BadInput(
            f"{group.size} processes are asked for ({STARTED_HERE} or {SIZE}): set train.backend: "
            "jax and train.distribution: data_parallel in params.yaml."
        )
    return group


def _number(environment: Mapping[str, str], name: str, default: str, at_least: int) -> int:
    text = environment.get(name, default)
    if not text.isdecimal() or int(text) < at_least:
        raise BadInput(f"{name}={text!r} must be a whole number of at least {at_least}.")
    return int(text)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOCAL_HOST, 0))
        return listener.getsockname()[1]


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
            f"training. Run the same command again{elsewhere}: the training resumes from its last "
            "checkpoint."
        )


def _describe(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"status {returncode}, with the message above"
