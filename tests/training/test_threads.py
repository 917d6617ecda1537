"""Runs of an experiment side by side, and what each leaves: the same as when it runs alone."""

import json
import os
import re
import subprocess
import sys
from contextlib import chdir

import pytest
from repository import REPOSITORY
from small_preset import save_preset

from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.training.threads import runs_at_once, thread_variables
from stages import configure, featurize, fetch, preprocess, split

SEEDS = [5, 6]
EXPERIMENTS = {
    "baseline": {},
    "sixth": {"train": {"seeds": [6]}},
}


@pytest.mark.parametrize(
    ("own", "on_processor", "expected"),
    [(1, True, 8), (3, True, 2), (16, True, 1), (None, True, 1), (1, False, 1)],
)
def test_as_many_runs_go_side_by_side_as_there_are_cores_for(
    monkeypatch, own, on_processor, expected
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8))
    assert runs_at_once(own, on_processor) == expected


def test_a_system_without_affinity_counts_its_cores(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert runs_at_once(2, on_processor=True) == 3


def test_tensorflow_takes_the_threads():
    program = (
        "import tensorflow as tf\n"
        "tf.linalg.matmul(tf.ones((900, 900)), tf.ones((900, 900)))\n"
        "import os\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    counts = {}
    for own in (1, 7):
        environment = {**os.environ, **thread_variables(own), "TF_CPP_MIN_LOG_LEVEL": "3"}
        output = subprocess.check_output([sys.executable, "-c", program], env=environment)
        counts[own] = int(output.split()[-1])
    # At least the six more that compute.
    assert counts[1] + 6 <= counts[7]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("side_by_side")
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"] = {"battles": 120, "length_scale": 0.05}
    params["model"] |= {"preset": "preset", "seq_len": 32}
    params["train"] |= {"epochs": 1, "tokens_per_batch": 1024, "seeds": SEEDS}
    params["experiments"] = EXPERIMENTS
    write_yaml(folder / "params.yaml", params)
    with chdir(folder):
        save_preset(["a small preset is quickly trained"] * 20)
        for stage in (configure, fetch, split, preprocess, featurize):
            stage.main()
    return folder


def train(folder, name):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "stages.train", name]
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_side_by_side_each_run_gives_the_bytes_of_one_that_is_alone(prepared):
    said = train(prepared, "baseline")
    train(prepared, "sixth")
    together, alone = (
        (prepared / "models/weights" / name / "seed-6/model.weights.h5").read_bytes()
        for name in ("baseline", "sixth")
    )
    assert together == alone
    assert set(re.findall(r"baseline, seed (\d+), epoch 1/1: train", said)) == {"5", "6"}


def test_dvclive_has_the_metrics_of_the_first_run(prepared):
    logged = json.loads((prepared / "metrics/train/baseline/metrics.json").read_text())
    of_runs = [
        json.loads((prepared / f"models/weights/baseline/seed-{seed}/training.json").read_text())
        for seed in SEEDS
    ]
    losses = [run["training"]["valid_log_loss"] for run in of_runs]
    assert losses[0] != losses[1]
    assert logged["valid_log_loss"] == losses[0]
