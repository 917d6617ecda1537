"""The report stage: what it needs, and that it writes the same bytes again."""

import json
import os
import subprocess
import sys

import jinja2
import pytest
from evaluation_example import example_battle, example_details, write_example
from report_pages import EXPERIMENTS, inputs_of
from repository import REPOSITORY

from preference.report.inputs import read_report_inputs
from preference.report.render import render_html
from preference.runtime.errors import BadInput


def test_a_figure_that_is_missing_is_an_error(tmp_path):
    battle = example_battle()
    del battle["response_b"]
    with pytest.raises(jinja2.UndefinedError):
        render_html(inputs_of(tmp_path, hardest=[battle]))


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("metrics/evaluation_details.json", "evaluate"),
        ("metrics/data.json", "fetch"),
        ("metrics/reference.json", "train_reference"),
        ("metrics/train/exp1/metrics.json", "train_exp1"),
        ("metrics/train/exp1/plots/metrics/eval/log_loss.tsv", "train_exp1"),
        ("data/scored/hardest.json", "evaluate"),
    ],
)
def test_a_missing_file_names_its_stage(tmp_path, path, stage):
    inputs_of(tmp_path)
    (tmp_path / path).unlink()
    with pytest.raises(BadInput, match=f"{path} does not exist: run `dvc repro {stage}`"):
        read_report_inputs(tmp_path / "metrics", tmp_path / "data/scored/hardest.json")


def test_metrics_of_references_without_features_are_of_older_code(tmp_path):
    inputs_of(tmp_path)
    (tmp_path / "metrics/reference.json").write_text('{"tfidf": {"log_loss": 1.0}}')
    with pytest.raises(BadInput, match=r"reference.json is of older code: run `dvc repro train"):
        read_report_inputs(tmp_path / "metrics", tmp_path / "data/scored/hardest.json")


def run_stage(folder, hash_seed):
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, "-m", "stages.report"]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return [(folder / "metrics" / name).read_bytes() for name in ("report.md", "report.html")]


def test_the_stage_writes_the_same_bytes_again(tmp_path):
    details = example_details(EXPERIMENTS)
    write_example(tmp_path, json.loads(json.dumps(details)), [example_battle()])
    assert run_stage(tmp_path, hash_seed=1) == run_stage(tmp_path, hash_seed=2)


def test_the_stage_needs_no_network_framework():
    code = "import sys, stages.report; print({'tensorflow', 'keras', 'jax'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
