"""Start the processes that train one model together, as environment variables describe them.

On one host, PREFERENCE_PROCESSES is the number of processes to start. On several hosts, each host
starts one process, described by JAX_COORDINATOR_ADDRESS (host:port of the first), JAX_NUM_PROCESSES
and JAX_PROCESS_ID (counted from 0). The number of processes is not a parameter in params.yaml,
because it changes results by float32 rounding only.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preference.config.model_params import TrainParams
from preference.runtime.errors import BadInput
from preference.runtime.stop_signals import end_now

STARTED_HERE = "PREFERENCE_PROCESSES"
COORDINATOR, SIZE, RANK = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
LOCAL_HOST = "127.0.0.1"


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of all hosts.

    Args:
        size: number of processes.
        ranks: the ranks of those that this host starts.
        coordinator: host and port at which the first waits for the others; "" for this host.
    """

    size: int
    ranks: range
    coordinator: str = ""

    @property
    def has_first(self) -> bool:
        """Whether this host starts the first process, which writes the outputs."""
        return 0 in self.ranks

    def environments(self, environment: Mapping[str, str]) -> dict[int, dict[str, str]]:
        """Return the environment of each process that this host starts, by rank."""
        inherited = {name: value for name, value in environment.items() if name != STARTED_HERE}
        if self.size > 1 and not self.coordinator:
            address = f"{LOCAL_HOST}:{_free_port()}"
            inherited |= {COORDINATOR: address, "JAX_COORDINATOR_BIND_ADDRESS": address}
        found = {}
        for rank in self.ranks:
            found[rank] = inherited | {SIZE: str(self.size), RANK: str(rank)}
            if len(self.ranks) > 1:
                # One GPU per process, if the host has GPUs.
                found[rank]["JAX_LOCAL_DEVICE_IDS"] = str(rank)
        return found


def read_process_group(environment: Mapping[str, str], train: TrainParams) -> ProcessGroup:
    """Return the processes that the environment describes; without its variables, one process.

    Raises:
        BadInput: a variable is missing or out of range, or `train.distribution` is `none` for
            several processes.
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
# Less than `GRACE_SECONDS` of `preference.runtime.stop_signals`, after which this process ends.
END_SECONDS = 2


def run_processes(
    command: Sequence[str], environments: Mapping[int, Mapping[str, str]], size: int
) -> None:
    """Run a command once for each environment, and wait for all processes.

    When one fails, the others are ended, because they would wait for it. A process that calls
    `end_with_parent` also ends when this process does.

    Args:
        command: the same for all processes.
        environments: of the processes, by rank.
        size: number of processes on all hosts.

    Raises:
        BadInput: a process failed or was killed.
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
    """End this process when the one that started it by `run_processes` ends."""

    def wait() -> None:
        # The parent never writes: reading returns when the parent ends or closes the pipe.
        os.read(0, 1)
        end_now(1)

    threading.Thread(target=wait, daemon=True).start()


def _end(processes: Iterable[subprocess.Popen]) -> None:
    """End the processes that still run, and give them time to remove unfinished files."""
    for process in processes:
        if process.stdin:
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
        # The return code of a killed process is negative. It is reported first, because the other
        # processes fail as a consequence.
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
