"""The example repository, and the command run in it."""

import shutil
import sys
from pathlib import Path

import pytest
from review_example import ENVIRONMENT, make_repository

from checks.review.__main__ import main, read_arguments


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory):
    """The example, reproduced and committed once."""
    folder = tmp_path_factory.mktemp("example") / "repository"
    make_repository(folder)
    return folder


@pytest.fixture
def folder(reproduced, tmp_path):
    """A copy of the example that a test may change."""
    return shutil.copytree(reproduced, tmp_path / "copy")


@pytest.fixture
def review(folder, monkeypatch):
    """Run the command in the copy, and return the comment."""

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["review", *arguments])
        main(read_arguments())
        return Path("pr-report/comment.md").read_text()

    monkeypatch.chdir(folder)
    for name in ("PATH", "PYTHONPATH", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    return run_command
