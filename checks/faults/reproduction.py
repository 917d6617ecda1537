"""Run `dvc repro` as a user does, to its end or until it is killed."""

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
# The last alternative is DVC's error about its own files.
ERROR = r"(error|ERROR):|\w*Error: |'\S*' (is invalid|validation failed)\."
POLL_S = 0.005
# Far more than any stage takes, so that a run that hangs is ended.
LIMIT_S = 3600


@dataclass(frozen=True)
class Reproduction:
    """A `dvc repro` that has ended: its success, its output, and its time in seconds."""

    succeeded: bool
    output: str
    seconds: float


class Running:
    """A `dvc repro` that is running, in a process group of its own.

    Args:
        workspace: the folder in which it runs.
        targets: the stages to reproduce, with those that they need; all where it is empty.
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
        """Return its output so far, without the path of the workspace."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return text.replace(f"{self.workspace}/", "").replace(str(self.workspace), ".")

    def wait_for(self, said: str) -> float | None:
        """Wait for a text in the output; return the seconds that it took, None if the run ended."""
        with self._ending_with_this_process():
            while said not in self.output():
                if self.process.poll() is not None:
                    return None
                self._check_time()
                time.sleep(POLL_S)
        return time.monotonic() - self.began

    def kill(self, seconds: float) -> bool:
        """Kill it with its children after some seconds; return whether it was still running."""
        with self._ending_with_this_process():
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                return True
        return False

    def kill_dvc_alone(self) -> None:
        """Kill DVC, but not the stage that it has started."""
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
        """Kill it if the block raises, because Ctrl-C does not reach its process group."""
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
    """Return the message of DVC at the start of a stage."""
    return f"Running stage '{stage}'"


def messages(output: str) -> list[str]:
    """Return the errors in the output, or its last line, without progress bars and tracebacks."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    errors = [line for line in lines if re.match(ERROR, line)]
    return errors or lines[-1:]
