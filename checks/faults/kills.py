"""Kill `dvc repro` at random moments of a stage, and check whether the next run recovers.

A moment is a fraction of the undisturbed time of the stage, from its start to the end of `dvc
repro`. A kill can hit the stage while it loads, computes and writes, or DVC while it saves and
records the outputs. It counts only if the process was still running.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from threading import Event

import numpy as np
from tqdm import tqdm

from checks.faults.recovery import recover
from checks.faults.reproduction import Running, started
from checks.faults.result import Result, differences, read_result
from checks.faults.settings import Settings
from checks.faults.workspace import copy_workspace, forget_stage


@dataclass
class StageKills:
    """The kills of a stage.

    Args:
        seconds: the undisturbed time of the stage.
        moments: the moments of the kills, as fractions of `seconds`, in their order.
        runs: the number of undisturbed runs after kills, whose results were compared.
        missed: the number of moments at which `dvc repro` had already ended, so that nothing was
            killed.
        identical: the number of kills after which the result was the undisturbed one.
        resumed: the number of runs in which a training resumed from its checkpoint.
        helped: the commands that DVC needed before it continued, each with the message of DVC.
        different: the names of what differed.
    """

    seconds: float
    moments: list[float] = field(default_factory=list)
    runs: int = 0
    missed: int = 0
    identical: int = 0
    resumed: int = 0
    helped: list[dict[str, str]] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def time_stage(base: Path, scratch: Path, stage: str, expected: Result) -> float:
    """Return the seconds that a stage takes undisturbed.

    Raises:
        RuntimeError: the stage fails, or gives another result without a disturbance.
    """
    workspace = copy_workspace(base, scratch)
    forget_stage(workspace, stage)
    running = Running(workspace)
    begin = running.wait_for(started(stage))
    ended = running.finish()
    if begin is None or not ended.succeeded:
        raise RuntimeError(f"{stage} does not run:\n{ended.output[-3000:]}")
    if different := differences(read_result(workspace), expected):
        raise RuntimeError(f"{stage} gives another result each time: {', '.join(different)}")
    return ended.seconds - begin


def kill_stages(
    base: Path, scratch: Path, seconds: dict[str, float], settings: Settings, expected: Result
) -> dict[str, StageKills]:
    """Kill the stages in turn, up to the number of kills in the settings.

    Ctrl-C ends it after the present row of kills, with the results up to then.

    Args:
        base: a workspace in which all stages have run.
        scratch: the folder for copies of it.
        seconds: the undisturbed time of each stage.
        settings: the number of kills, of kills in a row, and the seed of the moments.
        expected: the undisturbed result.
    """
    kills = {stage: StageKills(round(taken, 1)) for stage, taken in seconds.items()}
    rows = plan_rows(list(seconds), settings)
    wanted = len(seconds) if settings.kills is None else settings.kills
    with tqdm(total=wanted, unit=" kills") as progress, interruption() as interrupted:
        while progress.n < wanted and not interrupted.is_set():
            stage, moments = next(rows)
            progress.set_description(stage)
            left = wanted - progress.n
            row = kill_in_a_row(base, scratch, stage, moments[:left], kills[stage], expected)
            progress.update(row)
    return kills


@contextmanager
def interruption() -> Iterator[Event]:
    """Make Ctrl-C set an event instead of raising KeyboardInterrupt."""
    interrupted = Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def plan_rows(stages: Sequence[str], settings: Settings) -> Iterator[tuple[str, list[float]]]:
    """Yield stages in turn without end, each with the moments of the kills of one row."""
    random = np.random.default_rng(settings.seed)
    for stage, length in zip(cycle(stages), cycle(settings.in_a_row), strict=False):
        yield stage, random.random(length).tolist()


def kill_in_a_row(
    base: Path,
    scratch: Path,
    stage: str,
    moments: Sequence[float],
    kills: StageKills,
    expected: Result,
) -> int:
    """Kill a stage at each moment, run `dvc repro` undisturbed, and return the number of kills."""
    workspace = copy_workspace(base, scratch)
    forget_stage(workspace, stage)
    hit = [moment for moment in moments if kill_once(workspace, stage, moment * kills.seconds)]
    kills.moments += [round(moment, 3) for moment in hit]
    kills.missed += len(moments) - len(hit)
    recovery = recover(workspace, expected)
    kills.runs += 1
    kills.identical += len(hit) if recovery.identical else 0
    kills.resumed += "resumes where it was" in recovery.output
    kills.resumed += "was finished before" in recovery.output
    kills.different += recovery.different
    for command, said in zip(recovery.helped, recovery.said, strict=True):
        kills.helped.append({"command": command, "said": said})
    return len(hit)


def kill_once(workspace: Path, stage: str, seconds: float) -> bool:
    """Kill `dvc repro` some seconds after the start of the stage; return whether it still ran."""
    running = Running(workspace)
    if running.wait_for(started(stage)) is None:
        return False
    return running.kill(seconds)
