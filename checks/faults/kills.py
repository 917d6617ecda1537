"""Kill `dvc repro` at random moments of a stage, and see whether the next one mends it.

A moment is a share of what the stage takes undisturbed, from DVC's saying that it starts it to the
end of `dvc repro`. So a kill hits the stage while it loads, computes and writes, or DVC while it
saves and records the outputs. It is a kill only where the process was still running.
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
        seconds: that it takes undisturbed.
        moments: of the kills, as shares of that, in the order in which they came.
        runs: that were left to run after kills, and compared.
        missed: moments at which `dvc repro` had already ended; no kills.
        identical: kills after which the result was that of the undisturbed run.
        resumed: runs after a kill in which a training went on from its checkpoint.
        helped: the commands that DVC asked for before it went on, with its message.
        different: what differed, where something did.
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
    """Return the seconds that a stage takes alone.

    Raises:
        RuntimeError: it fails, or gives another result though nothing disturbs it.
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
    """Kill the stages in turn until there are as many kills as the settings ask for.

    Ctrl-C ends it after the row that is under way, with what has been found by then.

    Args:
        base: a workspace in which everything has run.
        scratch: where to work.
        seconds: that each stage takes undisturbed.
        settings: how many kills, how many in a row, and the seed of the moments.
        expected: the undisturbed result.
    """
    kills = {stage: StageKills(round(taken, 1)) for stage, taken in seconds.items()}
    rows = plan_rows(list(seconds), settings)
    with tqdm(total=settings.kills, unit=" kills") as progress, interruption() as interrupted:
        while progress.n < settings.kills and not interrupted.is_set():
            stage, moments = next(rows)
            progress.set_description(stage)
            left = settings.kills - progress.n
            row = kill_in_a_row(base, scratch, stage, moments[:left], kills[stage], expected)
            progress.update(row)
    return kills


@contextmanager
def interruption() -> Iterator[Event]:
    """Let Ctrl-C set an event, in the place of raising KeyboardInterrupt."""
    interrupted = Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def plan_rows(stages: Sequence[str], settings: Settings) -> Iterator[tuple[str, list[float]]]:
    """Yield stages in turn, with the moments of the kills of one row, without end."""
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
    """Kill a stage at each moment, run `dvc repro` undisturbed, and count; return the kills."""
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
    """Kill `dvc repro` so long after it has started the stage; say whether it was still running."""
    running = Running(workspace)
    if running.wait_for(started(stage)) is None:
        return False
    return running.kill(seconds)
