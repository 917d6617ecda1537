"""A killed or disturbed pipeline ends like an undisturbed one, and the check reports if it does
not.

With three stages that need no TensorFlow; `make faults` has all of them, and more of everything.
"""

import os
import shutil
import signal
from functools import partial

import pytest
import yaml
from repository import REPOSITORY

from checks.faults import disturbances, dvc_files
from checks.faults.catalogue import FAULTS
from checks.faults.fault import Fault, FaultResult, try_fault
from checks.faults.hub import downloading
from checks.faults.kills import StageKills, kill_in_a_row, kill_stages, plan_rows
from checks.faults.page import write_page
from checks.faults.reproduction import messages, reproduce
from checks.faults.result import DAMAGED, MISSING, differences, read_result
from checks.faults.results import summarize
from checks.faults.settings import FULL, PARAMETERS, QUICK, Settings
from checks.faults.workspace import (
    CACHE,
    cached_object,
    commit,
    copy_repository,
    copy_workspace,
    read_lock,
)

STAGES = ("fetch", "split", "train_reference")
# Its result is another one where a killed run has left a file where nobody looks.
PLANTED = """
import time
from pathlib import Path

left = Path(".checkpoints/left")
again = left.exists()
left.parent.mkdir(exist_ok=True)
left.touch()
if not again:
    time.sleep(8)
Path("data/split").mkdir(parents=True)
Path("data/split/train.parquet").touch()
Path("metrics/split.json").write_text(f'{{"again": {str(again).lower()}}}')
"""


def stage_names():
    """The names of all stages, of which one for each experiment are many."""
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    experiments = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["experiments"]
    each = {name: experiments if "foreach" in stage else None for name, stage in stages.items()}
    return [
        full
        for name, keys in each.items()
        for full in ([f"{name}@{key}" for key in keys] if keys else [name])
    ]


def reproduced(base):
    """Run everything that is there, commit, and return the result."""
    done = reproduce(base)
    assert done.succeeded, done.output[-3000:]
    commit(base)
    return read_result(base)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def base(scratch):
    folder = scratch / "base"
    copy_repository(folder, PARAMETERS)
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    pipeline = {"stages": {name: stages[name] for name in STAGES}}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    reproduced(folder)
    return folder


@pytest.fixture(scope="module")
def expected(base):
    return read_result(base)


def test_kills_at_random_moments_change_nothing(base, scratch, expected):
    settings = Settings("test", kills=4, in_a_row=(1, 2), seed=1)
    kills = kill_stages(base, scratch, dict.fromkeys(STAGES, 1.0), settings, expected)
    assert sum(len(stage.moments) for stage in kills.values()) == 4
    assert sum(stage.identical for stage in kills.values()) == 4
    assert not any(stage.different for stage in kills.values())
    assert all(len(stage.moments) > 0 for stage in kills.values())


def test_a_stage_whose_result_depends_on_what_was_left_is_found_out(base, scratch):
    planted = scratch / "planted"
    shutil.copytree(base, planted)
    (planted / "stages/split.py").write_text(PLANTED)
    (planted / "dvc.yaml").write_text(
        yaml.safe_dump(
            {
                "stages": {
                    "split": {
                        "cmd": "python -m stages.split",
                        "deps": ["stages/split.py"],
                        "outs": ["data/split", {"metrics/split.json": {"cache": False}}],
                    }
                }
            }
        )
    )
    undisturbed = reproduced(planted)
    kills = StageKills(seconds=8)
    assert kill_in_a_row(planted, scratch, "split", [0.5], kills, undisturbed) == 1
    assert (kills.runs, kills.identical) == (1, 0)
    assert kills.different == ["dvc.lock", "metrics/split.json"]


def test_what_is_left_lost_changed_or_damaged_differs(base, scratch, expected):
    workspace = copy_workspace(base, scratch)
    assert differences(read_result(workspace), expected) == []
    (workspace / "metrics/data.json.partial").write_text("{")
    (workspace / "data/quarantine.jsonl").unlink()
    (workspace / "metrics/split.json").write_text("{}")
    record = read_lock(workspace)
    record["stages"] = dict(reversed(record["stages"].items()))
    (workspace / "dvc.lock").write_text(yaml.safe_dump(record, sort_keys=False))
    damaged = record["stages"]["fetch"]["outs"][0]["md5"]
    cached_object(workspace, damaged).chmod(0o644)
    cached_object(workspace, damaged).write_bytes(b"half")
    (folder,) = [out for out in record["stages"]["split"]["outs"] if out["path"] == "data/split"]
    cached_object(workspace, folder["md5"]).unlink()
    assert differences(read_result(workspace), expected) == [
        f"{DAMAGED}{damaged}",
        "data/quarantine.jsonl",
        "metrics/data.json.partial",
        "metrics/split.json",
        f"{MISSING}data/split",
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Fault("", "", None, "", disturbances.cut_download, downloading, ["fetch"]),
            "the hub answered 503",
        ),
        (Fault("", "", "split", "", dvc_files.half_a_lock), "rwlock"),
        (
            Fault("", "", "fetch", "", partial(disturbances.full_disk, folder="data", left=2**13)),
            "the disk is full",
        ),
        # DVC says so, and exits with 0.
        (
            Fault("", "", "split", "", partial(disturbances.full_disk, folder=CACHE, left=2**12)),
            "No space left",
        ),
    ],
    ids=["cut download", "half a lock", "full disk", "full cache"],
)
def test_after_a_fault_the_next_run_gives_the_same(base, scratch, expected, fault, said):
    found = try_fault(fault, base, scratch, expected)
    if found.skipped:
        assert os.geteuid() != 0
        pytest.skip(found.skipped)
    assert said in found.saw[0]
    assert found.identical, found.different


def test_the_moments_come_from_the_seed_and_every_stage_is_hit():
    stages = list("abcdefghijk")
    rows = plan_rows(stages, FULL)
    first = [next(rows) for _ in range(50)]
    again = plan_rows(stages, FULL)
    assert first == [next(again) for _ in range(50)]
    assert {stage for stage, _ in first} == set(stages)
    assert {len(moments) for _, moments in first} == {1, 2, 3}
    assert all(0 <= moment < 1 for _, moments in first for moment in moments)


def test_ctrl_c_ends_the_kills_after_the_row_and_keeps_them(monkeypatch, tmp_path):
    def kill_and_interrupt(base, scratch, stage, moments, kills, expected):
        kills.moments += moments
        signal.raise_signal(signal.SIGINT)
        return len(moments)

    monkeypatch.setattr("checks.faults.kills.kill_in_a_row", kill_and_interrupt)
    handler = signal.getsignal(signal.SIGINT)
    kills = kill_stages(tmp_path, tmp_path, {"fetch": 1.0, "split": 1.0}, FULL, {})
    assert [len(stage.moments) for stage in kills.values()] == [1, 0]
    assert signal.getsignal(signal.SIGINT) is handler


def test_the_quick_check_kills_each_stage_once(monkeypatch, tmp_path):
    def kill(base, scratch, stage, moments, kills, expected):
        kills.moments += moments
        return len(moments)

    monkeypatch.setattr("checks.faults.kills.kill_in_a_row", kill)
    kills = kill_stages(tmp_path, tmp_path, dict.fromkeys("abcd", 1.0), QUICK, {})
    assert [len(stage.moments) for stage in kills.values()] == [1, 1, 1, 1]


def test_the_faults_are_of_stages_that_exist():
    stages = set(stage_names())
    assert {fault.stage for fault in FAULTS} - {None} <= stages
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_page_tells_what_was_not_identical():
    kills = {
        "fetch": StageKills(2.0, [0.1, 0.9], runs=2, identical=2),
        "split": StageKills(
            3.0,
            [0.5],
            runs=1,
            helped=[{"command": "rm lock", "said": "it is locked"}],
            different=["metrics/split.json"],
        ),
    }
    faults = [
        FaultResult("Flood", "water", "dries it", ["wet"], identical=False, different=["a.txt"]),
        FaultResult("Fire", "fire", "nothing", skipped="no matches"),
    ]
    results = summarize(kills, faults, QUICK)
    assert (results["kills"], results["identical"]) == (3, 2)
    assert (results["faults_caused"], results["faults_identical"]) == (1, 0)
    page = write_page(results, "make faults")
    assert "**3 kills, 2 of them followed by the undisturbed result**" in page
    assert "After kills of `split` these differed: metrics/split.json." in page
    assert 'DVC said "it is locked"' in page and "After `rm lock`" in page
    assert "**ANOTHER RESULT** (a.txt)" in page
    assert "Could not be caused on this machine: no matches." in page


def test_messages_are_what_a_user_reads_at_the_end():
    output = "fetch:  10%|#   \rfetch: 100%|####\nTraceback\nOSError: full\nERROR: failed\n"
    assert messages(output) == ["OSError: full", "ERROR: failed"]
    assert messages("Stage 'a' is new\nDone.\n\n") == ["Done."]
