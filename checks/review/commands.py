"""Run git and DVC as a person does."""

import subprocess
import sys
from pathlib import Path

from preference.runtime.errors import BadInput

DVC = (sys.executable, "-m", "dvc")


class CommandFailed(BadInput):
    """A command that failed. The message is what it wrote to stderr."""


def git(folder: Path, *arguments: str) -> str:
    """Return what `git` prints.

    Raises:
        CommandFailed: it did not succeed.
    """
    return _output("git", *arguments, folder=folder)


def dvc(folder: Path, *arguments: str) -> str:
    """Return what `dvc` prints.

    Raises:
        CommandFailed: it did not succeed.
    """
    return _output(*DVC, *arguments, folder=folder)


def show_dvc(folder: Path, *arguments: str) -> bool:
    """Run `dvc` with its output shown, and return whether it succeeded."""
    return subprocess.run([*DVC, *arguments], cwd=folder).returncode == 0


def _output(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    if done.returncode:
        raise CommandFailed(done.stderr.strip() or f"{' '.join(command)} failed.")
    return done.stdout.strip()
