"""`dvc repro` as a user runs it: to its end, or killed on the way."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from checks.faults.workspace import environment

DVC = (sys.executable, "-m", "dvc")
# The last is DVC's of its own files.
ERROR = r"(error|ERROR):|\w*Error: |'\S*' (is invalid|validation failed)\."
POLL_S = 0.005
# Far more than any stage takes here: who waits longer waits for something that never comes.
LIMIT_S = 3600


@dataclass(frozen=True)
class Reproduction:
    """A `dvc repro` that has ended: how, what it said, and when it said that a stage begins.

    Times are seconds since it started.
    """

    succeeded: bool
    output: str
    seconds: float


class Running:
    """A `dvc repro` under way, in a process group of its own.

    Args:
        workspace: where it runs.
        targets: the stages that are asked for with all that they need; all where none is named.
    """

    def __init__(self, workspace: Path, targets: Sequence[str] = ()) -> None:
        self.workspace = workspace
        file, name = tempfile.mkstemp(".log", dir=workspace.parent)
        os.close(file)
        self.log = Path(name)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*DVC, "repro", *targets],
                cwd=workspace,
                env=environment(workspace.parent),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.began = time.monotonic()

    def output(self) -> str:
        """Return what it has said so far, with the workspace's place left out."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return text.replace(f"{self.workspace}/", "").replace(str(self.workspace), ".")

    def wait_for(self, said: str) -> float | None:
        """Wait until it says something; return the seconds until then, None if it ends before."""
        with self._ending_with_this_process():
            while said not in self.output():
                if self.process.poll() is not None:
                    return None
                self._check_time()
                time.sleep(POLL_S)
        return time.monotonic() - self.began

    def kill(self, seconds: float) -> bool:
        """Kill it, and what it has started, so much later; say whether it was still running."""
        with self._ending_with_this_process():
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                return True
        return False

    def kill_dvc_alone(self) -> None:
        """Kill DVC, and let the stage go on that it has started."""
        self.process.kill()
        self.process.wait()

    def finish(self) -> Reproduction:
        """Wait for its end."""
        with self._ending_with_this_process():
            while self.process.poll() is None:
                self._check_time()
                time.sleep(POLL_S)
        seconds = time.monotonic() - self.began
        return Reproduction(self.process.returncode == 0, self.output(), seconds)

    def _check_time(self) -> None:
        if time.monotonic() - self.began > LIMIT_S:
            raise TimeoutError(f"dvc repro did not end:\n{self.output()[-2000:]}")

    @contextmanager
    def _ending_with_this_process(self) -> Iterator[None]:
        """Kill it where the block is left early: Ctrl-C reaches this process group alone."""
        try:
            yield
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            raise


def reproduce(workspace: Path, targets: Sequence[str] = ()) -> Reproduction:
    """Run `dvc repro` to its end."""
    return Running(workspace, targets).finish()


def started(stage: str) -> str:
    """Return what DVC says when it starts a stage."""
    return f"Running stage '{stage}'"


def messages(output: str) -> list[str]:
    """Return the errors that a user reads at the end, without progress bars and tracebacks."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    errors = [line for line in lines if re.match(ERROR, line)]
    return errors or lines[-1:]
