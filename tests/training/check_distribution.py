"""Training runs that lose a process or a host end with the same bytes as an undisturbed run.

    make distributed-check

The hosts are two network namespaces with names, addresses and folders of their own, which need root
and iproute2. The checks take minutes, so they are not part of `make test`.
"""

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest
from distributed_runs import (
    CHECKPOINT,
    COMMAND,
    RESULTS,
    configure,
    environment,
    kill_one_of_two,
    prepare_folder,
    results,
    train,
    training_processes,
    wait_for_checkpoint,
)

from preference.runtime.yaml_file import edit_yaml

ADDRESSES = {"preference-a": "10.77.0.1", "preference-b": "10.77.0.2"}
FIRST, SECOND = ADDRESSES
# Runs a command under a host name of its own, because a network namespace has none.
RENAMED = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"')
# Longer than the heartbeat: a host that hangs fails the test.
PATIENCE_SECONDS = 300


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


@pytest.fixture(scope="module")
def hosts():
    """The namespaces, joined by one cable."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    for name, address in ADDRESSES.items():
        ip("netns", "add", name)
        # `ip netns exec` mounts this file over /etc/hosts, so that a host resolves its own name.
        hosts_file = Path("/etc/netns", name, "hosts")
        hosts_file.parent.mkdir(parents=True, exist_ok=True)
        hosts_file.write_text(f"127.0.0.1 localhost\n{address} {name}\n")
    ip("link", "add", FIRST, "netns", FIRST, "type", "veth", "peer", SECOND, "netns", SECOND)
    for name, address in ADDRESSES.items():
        ip("-n", name, "address", "add", f"{address}/24", "dev", name)
        for device in ("lo", name):
            ip("-n", name, "link", "set", device, "up")
    yield
    for name in ADDRESSES:
        ip("netns", "delete", name)
        shutil.rmtree(Path("/etc/netns", name))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """The results of two processes on one host."""
    folder = shutil.copytree(data, tmp_path_factory.mktemp("one") / "host")
    train(folder, PREFERENCE_PROCESSES="2")
    return results(folder)


@pytest.fixture
def folders(data, tmp_path):
    """A folder for each host; the hosts share no files."""
    return {name: shutil.copytree(data, tmp_path / name) for name in ADDRESSES}


def start(folders):
    """Run the stage on both hosts."""
    return {
        name: subprocess.Popen(
            ["ip", "netns", "exec", name, *RENAMED, name, *COMMAND],
            cwd=folders[name],
            env=environment(
                JAX_COORDINATOR_ADDRESS=f"{ADDRESSES[FIRST]}:29500",
                JAX_NUM_PROCESSES="2",
                JAX_PROCESS_ID=str(rank),
            ),
            text=True,
            stderr=subprocess.PIPE,
        )
        for rank, name in enumerate(ADDRESSES)
    }


def finish(stages):
    """Wait until all have ended, and return the stderr of each."""
    return {name: stage.communicate(timeout=PATIENCE_SECONDS)[1] for name, stage in stages.items()}


def kill(stage):
    """Kill all processes of a host at once."""
    for process in [psutil.Process(stage.pid), *training_processes(stage).values()]:
        process.kill()


def assert_resumes(folders, expected):
    assert (folders[FIRST] / CHECKPOINT).exists() and not (folders[FIRST] / RESULTS[0]).exists()
    stages = start(folders)
    said = finish(stages)
    assert [stage.returncode for stage in stages.values()] == [0, 0], said
    assert "resumes where it was stopped" in said[FIRST]
    assert results(folders[FIRST]) == expected
    # Only the first host writes.
    assert results(folders[SECOND]) == {} and not (folders[SECOND] / CHECKPOINT).exists()


def test_a_process_that_is_killed(data, expected, tmp_path):
    folder = shutil.copytree(data, tmp_path / "host")
    kill_one_of_two(folder)
    train(folder, PREFERENCE_PROCESSES="2")
    assert results(folder) == expected


def test_a_host_that_is_killed(hosts, data, expected, folders):
    stages = start(folders)
    wait_for_checkpoint(folders[FIRST], stages[FIRST])
    kill(stages[SECOND])
    said = finish(stages)
    assert stages[FIRST].returncode == 1
    assert "process 0 of 2 ended early" in said[FIRST]
    assert "Run the same command again on every host" in said[FIRST]
    assert_resumes(folders, expected)


def test_a_cable_that_is_pulled(hosts, data, expected, folders):
    """No connection is closed, so that only the missing heartbeat shows the loss."""
    stages = start(folders)
    wait_for_checkpoint(folders[FIRST], stages[FIRST])
    ip("-n", SECOND, "link", "set", SECOND, "down")
    said = finish(stages)
    ip("-n", SECOND, "link", "set", SECOND, "up")
    for rank, name in enumerate(ADDRESSES):
        assert stages[name].returncode == 1
        assert f"process {rank} of 2 ended early" in said[name]
    assert_resumes(folders, expected)


def test_hosts_with_other_data_are_refused(hosts, folders):
    edit_yaml(folders[SECOND] / "params.yaml", {"train.learning_rate": 0.001})
    configure(folders[SECOND])
    stages = start(folders)
    said = finish(stages)
    for name, stage in stages.items():
        assert stage.returncode == 1
        assert "process 1 has other parameters than process 0" in said[name]
