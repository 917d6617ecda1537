"""Measure one line after another, each in a process of its own, until time is over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from checks.benchmarks.gpu.plan import battles_a_step
from checks.benchmarks.gpu.task import OUT_OF_MEMORY, Found, Line, Scale, Task, read_answer
from checks.benchmarks.stage_runs import REPOSITORY

MEASURED = "measured"
NO_TIME = "not measured: time"
NO_GPU = "not measured: it needs a GPU"
NEEDS_GPU = ("flashdeberta", "disentangled-flash")
# A process with less time does not reach its first step.
SHORTEST_S = 20
MODULES = {
    "card": "card",
    "same loss": "same_loss",
    "lengths": "real_lengths",
    "profile": "profile",
}
# A training on JAX sets this flag, see preference/training/distributed/worker.py.
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
# With command buffers, a trace does not show the operations.
WITHOUT_COMMAND_BUFFERS = "--xla_gpu_enable_command_buffer="


def measure_all(
    lines: list[Line],
    scale: Scale,
    seconds: float,
    has_gpu: bool,
    torch_python: Path,
    out: Path,
    write: Callable[[Found], None],
) -> None:
    """Measure the lines in their order, and pass the row of each to `write` at once."""
    deadline = time.monotonic() + seconds
    for number, line in enumerate(lines, 1):
        print(f"[{number}/{len(lines)}] {line}", flush=True)
        began = time.monotonic()
        if line.system in NEEDS_GPU and not has_gpu:
            row = {"status": NO_GPU}
        else:
            row = measure_line(line, scale, deadline, torch_python, out)
        write({**vars(line), "name": str(line), **row, "seconds": time.monotonic() - began})


def measure_line(line: Line, scale: Scale, deadline: float, torch_python: Path, out: Path) -> Found:
    """Return the results of a line with its `status`; the batch is halved until it fits."""
    wanted = battles = battles_a_step(line, scale)
    while True:
        limit_s = min(line.limit_s, deadline - time.monotonic())
        if limit_s < SHORTEST_S:
            return {"status": NO_TIME}
        found, status = run_task(Task(line, scale, battles, str(out)), limit_s, torch_python)
        if not found.get(OUT_OF_MEMORY) or battles == 1:
            break
        battles //= 2
    halved = f"out of memory with more: {battles} battles a step instead of {wanted}"
    notes = {"note": halved} if battles < wanted else {}
    if found.pop(OUT_OF_MEMORY, False):
        status = f"failed: {OUT_OF_MEMORY} with one battle a step"
    return {"status": status, "battles_a_step": battles, **notes, **found}


def run_task(task: Task, limit_s: float, torch_python: Path) -> tuple[Found, str]:
    """Run a task in a process; return its last answer, even if it was killed, and its status."""
    line = task.line
    module = MODULES.get(line.kind, "torch_steps" if line.is_torch else "keras_steps")
    python = torch_python if line.is_torch else sys.executable
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [python, "-m", f"checks.benchmarks.gpu.{module}", task.to_json()],
            cwd=REPOSITORY,
            env=_environment(line),
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        status = _wait(process, limit_s)
        output.seek(0)
        errors.seek(0)
        found, said = read_answer(output.read()), errors.read().strip().splitlines()
    if process.returncode and status == MEASURED:
        status = f"failed: {said[-1] if said else f'exit status {process.returncode}'}"
        print("    " + "\n    ".join(said[-5:]), flush=True)
    if found and status == NO_TIME:
        status = f"cut after {limit_s:.0f} s: the rest is not measured"
    return found, status


def _wait(process: subprocess.Popen, limit_s: float) -> str:
    try:
        process.wait(limit_s)
        return MEASURED
    except subprocess.TimeoutExpired:
        return NO_TIME
    finally:
        # The group includes compilers. This also runs when this program is interrupted.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(line: Line) -> dict[str, str]:
    flags = os.environ.get("XLA_FLAGS", "")
    if line.system == "ours" and line.deterministic:
        flags = f"{flags} {DETERMINISTIC}"
    if line.kind == "profile":
        flags = f"{flags} {WITHOUT_COMMAND_BUFFERS}"
    return {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "XLA_FLAGS": flags,
        # Otherwise the last line is a note about filtering instead of the error.
        "JAX_TRACEBACK_FILTERING": "off",
        # Memory is allocated when it is needed, so that its peak is what was needed.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
