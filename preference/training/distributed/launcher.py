"""Start the processes that train one model together, as environment variables describe them.

On one host, PREFERENCE_PROCESSES is the number of processes to start. On several hosts, each host
starts one process, described by JAX_COORDINATOR_ADDRESS (host:port of the first), JAX_NUM_PROCESSES
and JAX_PROCESS_ID (counted from 0). The number of processes is not a parameter in params.yaml,
because it changes results by float32 rounding only.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preference.config.model_params import TrainParams
from preference.runtime.errors import BadInput
from preference.runtime.processes import Process, run_processes

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


def run_together(
    command: Sequence[str], environments: Mapping[int, Mapping[str, str]], size: int
) -> None:
    """Run a command once for each environment, and wait for all processes.

    Args:
        command: the same for all processes.
        environments: of the processes, by rank.
        size: number of processes on all hosts.

    Raises:
        BadInput: a process failed or was killed.
    """
    processes = [
        Process(f"process {rank} of {size}", command, environment)
        for rank, environment in environments.items()
    ]
    elsewhere = " on every host" if size > len(processes) else ""
    run_processes(
        processes,
        at_once=len(processes),
        remedy=f"Run the same command again{elsewhere}: the training resumes from its last "
        "checkpoint.",
    )
