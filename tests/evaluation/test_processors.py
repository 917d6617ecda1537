"""Results of another processor are told apart from those that the user has changed."""

import json
import platform
import subprocess
from pathlib import Path

import pytest

from preference.evaluation.outputs import log_losses_with_noise
from preference.evaluation.processors import compare_with_committed, describe_other_processors
from preference.runtime.processor import processor_name


def git(*arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], check=True)


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A commit whose exp1 has a log loss of 1, and was trained on the processor `old`."""
    monkeypatch.chdir(tmp_path)
    Path("metrics").mkdir()
    Path("metrics/evaluate.json").write_text(json.dumps({"exp1": {"log_loss": 1.0}}))
    Path("metrics/evaluation_details.json").write_text(json.dumps({"processors": {"exp1": "old"}}))
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Results")


@pytest.mark.parametrize(
    ("log_loss", "processor", "is_told"),
    [(1.1, "new", True), (1.0, "new", False), (1.1, "old", False)],
)
def test_results_of_another_processor_are_told(committed, log_loss, processor, is_told):
    found = compare_with_committed({"exp1": {"log_loss": log_loss}}, {"exp1": processor})
    expected = "trained on another processor: exp1 on old, now on new."
    assert expected in found if is_told else found is None


def test_without_a_commit_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert compare_with_committed({"exp1": {"log_loss": 1.0}}, {"exp1": "new"}) is None
    assert describe_other_processors({}, {"exp1": "new"}, ["exp1"]) is None


def test_the_processor_has_a_name_of_one_line():
    name = processor_name()
    assert name.isprintable() and name == processor_name()
    if platform.system() == "Linux" and "model name" in Path("/proc/cpuinfo").read_text():
        assert name != platform.machine()


def test_dvc_compares_log_losses_and_their_noise():
    headline = {
        "exp1": {"log_loss": 0.9, "accuracy": 0.5, "log_loss_noise": 0.01},
        "exp2": {"log_loss": 0.8, "accuracy": 0.5, "log_loss_noise": None},
        "prior": {"log_loss": 1.1, "accuracy": 0.3},
    }
    expected = {"exp1": 0.9, "exp1±": 0.01, "exp2": 0.8, "prior": 1.1}
    assert log_losses_with_noise(headline) == expected
