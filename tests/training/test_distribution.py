"""Training on JAX, in one process and in two, equals that on TensorFlow up to rounding."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from distributed_runs import (
    CHECKPOINT,
    COMMAND,
    EPOCHS,
    RESULTS,
    compiled_beside,
    curves,
    environment,
    kill_one_of_two,
    prepare_folder,
    train,
)
from hypothesis import given
from hypothesis import strategies as st
from planted_training import make_model
from repository import REPOSITORY
from train_on_jax import train_from

from preference.config.experiment import resolve_experiment
from preference.config.params import load_params
from preference.models.saved_model import load_model
from preference.models.training_record import read_record, run_folder
from preference.runtime.errors import BadInput
from preference.sequences.length_bucketing import shuffled_batches
from preference.training.checkpoint_file import read_checkpoint
from preference.training.distributed.launcher import read_process_group
from preference.training.distributed.shard import Shard
from stages import train as train_stage

TRAIN_ON_JAX = REPOSITORY / "tests" / "support" / "train_on_jax.py"
TOKENS_PER_BATCH = 512
SEVERAL = {
    "JAX_COORDINATOR_ADDRESS": "10.0.0.1:29500",
    "JAX_NUM_PROCESSES": "4",
    "JAX_PROCESS_ID": "2",
}


@given(
    widths=st.lists(st.sampled_from([32, 64, 96]), min_size=1, max_size=120),
    processes=st.integers(1, 4),
    devices_each=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_the_shards_of_a_batch_are_the_batch(widths, processes, devices_each, seed):
    widths = np.array(widths)
    batches = shuffled_batches(widths, TOKENS_PER_BATCH, np.random.default_rng(seed))
    devices = processes * devices_each
    shards = [Shard(rank, processes, devices) for rank in range(processes)]
    sizes = {}
    for batch, *parts in zip(
        batches, *(shard.split_batches(batches, widths) for shard in shards), strict=True
    ):
        assert len({len(positions) for positions, _ in parts}) == 1
        assert len(parts[0][0]) % devices_each == 0
        positions, counts = (np.concatenate(values) for values in zip(*parts, strict=True))
        assert positions[counts == 1].tolist() == batch.tolist()
        assert set(widths[positions]) == {widths[batch[0]]}
        assert len(positions) < len(batch) + 1 + devices
        sizes.setdefault(int(widths[batch[0]]), set()).add(len(positions))
    assert all(len(found) == 1 for found in sizes.values())


def test_jax_learns_what_tensorflow_learns(tmp_path):
    """From the same weights, by step and on valid, also where batches are filled up."""
    first = make_model().get_weights()
    np.savez(tmp_path / "first.npz", *first)
    done = subprocess.run(
        [sys.executable, TRAIN_ON_JAX, tmp_path / "first.npz"],
        env=environment(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu"),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, expected = json.loads(done.stdout.splitlines()[-1]), train_from(first, None)
    assert len(found) == 2 * (19 + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_folder(tmp_path_factory.mktemp("data"))


def test_two_processes_of_which_one_is_killed_learn_what_one_learns(data, tmp_path, monkeypatch):
    one, two = (shutil.copytree(data, tmp_path / name) for name in ("one", "two"))
    weights = train_alone(one)
    said = kill_one_of_two(two)
    assert "of 2 ended early" in said and "Run the same command again: " in said
    assert "resumes where it was stopped" in train(two, PREFERENCE_PROCESSES="2")
    np.testing.assert_allclose(curves(two), curves(one), rtol=1e-5)
    monkeypatch.chdir(two)
    model, record = load_model(run_folder("baseline", 2024)), read_record("baseline", 2024)
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert record.parameters["train"]["backend"] == "jax"
    assert "jax" in record.versions
    logged = json.loads((two / RESULTS[1] / "metrics.json").read_text())
    assert logged["valid_log_loss"] == pytest.approx(min(curves(two)[-EPOCHS:]))
    steps = np.loadtxt(two / RESULTS[1] / "plots/metrics/eval/log_loss.tsv", skiprows=1)[:, 0]
    assert logged["step"] == steps[-1]


def train_alone(folder):
    """Train as the only process of the stage, and return the best weights."""
    with subprocess.Popen(
        [*COMMAND, "--seed=2024", "--process"],
        cwd=folder,
        env=environment(KERAS_BACKEND="jax", **compiled_beside(folder)),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.wait() == 0
    return read_checkpoint(folder / CHECKPOINT).best


def test_without_an_environment_there_is_one_process(train_params):
    for changes in ({}, {"backend": "jax"}, {"backend": "jax", "distribution": "data_parallel"}):
        group = read_process_group({}, replace(train_params, **changes))
        assert (group.size, list(group.ranks), group.has_first) == (1, [0], True)
        (environment,) = group.environments({"HOME": "/"}).values()
        assert "JAX_COORDINATOR_ADDRESS" not in environment


def test_one_host_starts_all_processes(distributed):
    group = read_process_group({"PREFERENCE_PROCESSES": "3"}, distributed)
    environments = group.environments({"PREFERENCE_PROCESSES": "3", "HOME": "/"})
    assert [one["JAX_PROCESS_ID"] for one in environments.values()] == ["0", "1", "2"]
    assert len({one["JAX_COORDINATOR_ADDRESS"] for one in environments.values()}) == 1
    # The environment of a process describes that process.
    assert read_process_group(environments[2], distributed).ranks == range(2, 3)


def test_each_of_several_hosts_starts_one(distributed):
    group = read_process_group(SEVERAL, distributed)
    assert (group.size, list(group.ranks), group.has_first) == (4, [2], False)
    (environment,) = group.environments(SEVERAL).values()
    assert environment == SEVERAL


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PREFERENCE_PROCESSES": "2"}, "unset PREFERENCE_PROCESSES or JAX_NUM_PROCESSES"),
        ({"JAX_NUM_PROCESSES": "two"}, "JAX_NUM_PROCESSES='two' must be a whole number"),
        ({"JAX_NUM_PROCESSES": "0"}, "of at least 1"),
        ({"JAX_PROCESS_ID": ""}, "JAX_PROCESS_ID='' must be"),
        ({"JAX_PROCESS_ID": "-1"}, "of at least 0"),
        ({"JAX_PROCESS_ID": "4"}, "JAX_PROCESS_ID=4 must be less than JAX_NUM_PROCESSES=4"),
        ({"JAX_COORDINATOR_ADDRESS": "host"}, "set JAX_COORDINATOR_ADDRESS to host:port"),
    ],
)
def test_a_mistake_in_the_environment_is_named(distributed, changes, named):
    with pytest.raises(BadInput, match=named):
        read_process_group(SEVERAL | changes, distributed)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize("environment", [SEVERAL, {"PREFERENCE_PROCESSES": "2"}])
def test_several_processes_need_data_parallel(train_params, backend, environment):
    with pytest.raises(BadInput, match=r"set train\.backend: jax and train\.distribution"):
        read_process_group(environment, replace(train_params, backend=backend))


def test_the_documented_job_sets_what_is_read(distributed):
    text = (REPOSITORY / "docs/distributed.md").read_text()
    (block,) = (one for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "kind:" in one)
    service, job = yaml.safe_load_all(block)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert service["metadata"]["name"] == pod["subdomain"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    found = {variable["name"]: variable["value"] for variable in container["env"]}
    assert 'export JAX_PROCESS_ID="$JOB_COMPLETION_INDEX";' in container["command"][-1]
    group = read_process_group(found | {"JAX_PROCESS_ID": "1"}, distributed)
    assert group.size == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert group.coordinator.startswith(f"{job['metadata']['name']}-0.{pod['subdomain']}:")


def test_a_run_that_fails_ends_the_training_in_one_line(monkeypatch, tmp_path, capfd):
    params = load_params(REPOSITORY / "params.yaml")
    params = replace(params, train=replace(params.train, seeds=[1, 2], threads=None))
    experiment = resolve_experiment(params, "baseline")
    failing = [sys.executable, "-c", "import sys; sys.exit('error: the disk is full.')"]
    monkeypatch.setattr(train_stage, "command", lambda *_: failing)
    group = read_process_group({}, experiment.train)
    with pytest.raises(BadInput, match=r"ended early \(status 1, with the message above\)"):
        train_stage.train_and_save(experiment, group, tmp_path)
    assert capfd.readouterr().err.splitlines()[-1] == "error: the disk is full."


@pytest.fixture
def train_params():
    return load_params(REPOSITORY / "params.yaml").train


@pytest.fixture
def distributed(train_params):
    return replace(train_params, backend="jax", distribution="data_parallel")
