"""A training run of seconds with the real stage, in a folder of its own."""

import os
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import numpy as np
import psutil
from repository import REPOSITORY

from preference.config.experiment import write_experiments
from preference.config.params import load_params
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import featurize, fetch, preprocess, split

EPOCHS = 3
CHECKPOINT = Path(".checkpoints/baseline-seed-2024.npz")
COMMAND = [sys.executable, "-m", "stages.train", "baseline"]
RESULTS = ("models/weights/baseline", "metrics/train/baseline")


def prepare_folder(folder):
    """Run the stages before training on JAX, and return the folder."""
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"] = {"battles": 400, "length_scale": 0.05}
    params["tokenizer"]["vocabulary_size"] = 700
    # There is only one width, and so only one shape to compile.
    params["model"] |= {"seq_len": 32, "features": True}
    params["train"] |= {
        "backend": "jax",
        "distribution": "data_parallel",
        "tokens_per_batch": 512,
        "weight_average": 0.8,
        "epochs": EPOCHS,
        "checkpoint_minutes": 0.005,
    }
    params["train"]["seeds"] = []
    params["experiments"]["baseline"]["train"]["seeds"] = []
    write_yaml(folder / "params.yaml", params)
    configure(folder)
    with chdir(folder):
        for stage in (fetch, split, preprocess, featurize):
            stage.main()
    return folder


def configure(folder):
    """Run what `stages.configure` does for the params.yaml of the folder."""
    with chdir(folder):
        write_experiments(load_params())


def environment(**variables):
    """Return the environment of a process that trains alone, changed by `variables`."""
    ours = ("JAX_", "PREFERENCE_", "KERAS_BACKEND")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}


def compiled_beside(folder):
    """Return the variable with which the runs in neighbouring folders share what JAX compiles."""
    return {"JAX_COMPILATION_CACHE_DIR": str(folder.parent / "compiled")}


def train(folder, succeeds=True, **variables):
    """Run the stage, and return its stderr."""
    variables |= compiled_beside(folder)
    done = subprocess.run(
        COMMAND, cwd=folder, env=environment(**variables), text=True, capture_output=True
    )
    assert (done.returncode == 0) == succeeds, done.stderr[-3000:]
    return done.stderr


def wait_for_checkpoint(folder, process):
    """Wait until the run has written its first checkpoint."""
    while not (folder / CHECKPOINT).exists():
        assert process.poll() is None
        time.sleep(0.01)


def training_processes(stage):
    """Return the processes that the stage has started, by rank."""
    children = psutil.Process(stage.pid).children(recursive=True)
    trainings = [child for child in children if "--process" in child.cmdline()]
    return {int(child.environ()["JAX_PROCESS_ID"]): child for child in trainings}


def kill_one_of_two(folder):
    """Start two processes, kill one in the middle of the run, and return the stderr."""
    stage = subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=environment(PREFERENCE_PROCESSES="2", **compiled_beside(folder)),
        text=True,
        stderr=subprocess.PIPE,
    )
    wait_for_checkpoint(folder, stage)
    processes = training_processes(stage)
    processes[1].kill()
    said = stage.communicate()[1]
    assert stage.returncode == 1 and not (folder / RESULTS[0]).exists(), said[-3000:]
    assert not any(process.is_running() for process in processes.values())
    return said


def results(folder):
    """Return the content of every file that the stage writes."""
    return {
        file.relative_to(folder): file.read_bytes()
        for name in RESULTS
        for file in sorted((folder / name).rglob("*"))
        if file.is_file()
    }


def curves(folder):
    """Return the logged losses: train by step, then valid by epoch."""
    plots = folder / RESULTS[1] / "plots/metrics"
    files = [plots / part / "log_loss.tsv" for part in ("train", "eval")]
    return np.concatenate([np.loadtxt(file, skiprows=1)[:, 1] for file in files])
