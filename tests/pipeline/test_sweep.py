"""A sweep by DVC's queue, two trainings at once, and the same sweep one after the other."""

import os
import signal
import time

import psutil
import pytest
import yaml
from pipeline_runs import commit, copy_repository, edit_params, run, run_json, stages_run

SMALL = {
    "data.simulated.battles": 300,
    "data.simulated.length_scale": 0.05,
    "tokenizer.vocabulary_size": 700,
    "model.seq_len": 64,
    "train.epochs": 1,
    "train.seeds": [],
    "experiments.baseline.train.seeds": [],
}
RATES = (0.001, 0.002)
STATUSES = ("Queued", "Running", "Success", "Failed")
# The machine may be busy, and a worker that hangs must not hold up the tests for good.
QUEUE_SECONDS = 600
# A question to DVC takes a processor from the trainings for seconds, one to git does not.
SECONDS_BETWEEN_QUESTIONS = 60


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone whose battles are ready to be trained on, and in which nothing is trained."""
    folder = copy_repository(tmp_path_factory.mktemp("sweep") / "clone")
    edit_params(folder, SMALL)
    commit(folder, "Small configuration")
    run("dvc", "repro", "preprocess", "featurize", folder=folder)
    commit(folder, "Reproduced")
    yield folder
    run("dvc", "queue", "stop", "--kill", folder=folder)
    kill_processes_in(folder)


def kill_processes_in(folder):
    """What a worker that did not stop has left: it and its tasks work below the folder."""
    for process in psutil.process_iter(["cwd"]):
        if (process.info["cwd"] or "").startswith(str(folder)):
            os.kill(process.pid, signal.SIGKILL)


def wait_for_queue(folder):
    """Return the status of each task when none is waiting or running any more."""
    status, end = {}, time.monotonic() + QUEUE_SECONDS
    while time.monotonic() < end:
        wait_for_saved_experiments(folder)
        tasks = [line.split() for line in run("dvc", "queue", "status", folder=folder).splitlines()]
        status = {task[1]: task[-1] for task in tasks if task and task[-1] in STATUSES}
        if not {"Queued", "Running"} & set(status.values()):
            return status
    pytest.fail(f"the queue has not ended: {status}")


def wait_for_saved_experiments(folder):
    """Wait until all are saved, or some time has passed, in which one may have failed."""
    end = time.monotonic() + SECONDS_BETWEEN_QUESTIONS
    while len(saved_experiments(folder)) < len(RATES) and time.monotonic() < end:
        time.sleep(0.5)


def saved_experiments(folder):
    """Return the references in which DVC has saved an experiment of the queue."""
    references = run("git", "for-each-ref", "--format=%(refname)", "refs/exps", folder=folder)
    return [name for name in references.split() if name.rpartition("/")[2].startswith("queued-")]


def read_experiments(folder):
    """Return the commit and the results of each experiment by its name."""
    (shown,) = [one for one in run_json("dvc", "exp", "show", folder=folder) if one["experiments"]]
    revisions = [experiment["revs"][0] for experiment in shown["experiments"]]
    return {revision["name"]: revision for revision in revisions}


def result_of(folder, experiment):
    """Return the learning rate, and the hashes of what the training writes."""
    rate = experiment["data"]["params"]["params.yaml"]["data"]["train"]["learning_rate"]
    lock = yaml.safe_load(run("git", "show", f"{experiment['rev']}:dvc.lock", folder=folder))
    return rate, {out["path"]: out["md5"] for out in lock["stages"]["train_baseline"]["outs"]}


def test_the_queue_and_a_loop_end_with_the_same_bytes(clone):
    choice = f"train.learning_rate=choice({','.join(map(str, RATES))})"
    queue = ("dvc", "exp", "run", "--queue", "-n", "queued", "-S", choice)
    run(*queue, "train_baseline", folder=clone)
    run("dvc", "queue", "start", "-j", "2", folder=clone)
    assert wait_for_queue(clone) == {"queued-1": "Success", "queued-2": "Success"}
    assert run("git", "status", "--porcelain", folder=clone) == ""

    loop = ("dvc", "exp", "run", "--temp", "--force", "--single-item", "-n")
    stages = ("configure", "train_baseline")
    setting = ("-S", f"train.learning_rate={RATES[1]}")
    output = run(*loop, "looped", *setting, *stages, folder=clone)
    # The loop trains again: --force keeps DVC from restoring the results of the queue.
    assert stages_run(output) == set(stages)
    found = read_experiments(clone)
    queued = [result_of(clone, found[f"queued-{number}"]) for number in (1, 2)]
    assert queued[1] == result_of(clone, found["looped"])
    assert tuple(rate for rate, _ in queued) == RATES
    first, second = (hashes for _, hashes in queued)
    assert {"models/weights/baseline", "metrics/train/baseline/metrics.json"} < {*first}
    assert all(first[name] != second[name] for name in first)
