"""Two training runs have the same identity if they give the same bytes, and only then."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from repository import REPOSITORY
from small_model import make_model

from preference.config.experiment import resolve_experiment
from preference.config.params import load_params
from preference.training import fingerprint
from preference.training.fingerprint import identify_training

# It edits files that it has imported, or not, as a user does between two runs.
STAGE = """
import json, sys
from pathlib import Path
sys.path.insert(0, "tests/support")
from small_model import make_model
from preference.config.experiment import resolve_experiment
from preference.config.params import load_params
from preference.training.fingerprint import identify_training
experiment = resolve_experiment(load_params(), "baseline")
for edited in (None, *sys.argv[1:]):
    if edited:
        Path(edited).write_text(Path(edited).read_text() + "# Edited.\\n")
    print(json.dumps(identify_training(experiment, 1, [], make_model())))
"""


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "tokens"
    folder.mkdir()
    (folder / "ids.npy").write_bytes(b"12")
    return folder


def identify(data, seed=1, model_seed=3, **train):
    params = load_params(REPOSITORY / "params.yaml")
    params = replace(params, train=replace(params.train, **train))
    experiment = resolve_experiment(params, "baseline")
    return identify_training(experiment, seed, [data], make_model(seed=model_seed))


def test_the_checkpoint_interval_is_not_part_of_the_identity(data):
    assert identify(data) == identify(data, checkpoint_minutes=3)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"learning_rate": 0.5}, "parameters"),
        ({"seed": 2}, "parameters"),
        ({"model_seed": 4}, "weights"),
    ],
)
def test_a_change_of_the_result_changes_one_part(data, changes, part):
    ours, theirs = identify(data), identify(data, **changes)
    assert [name for name in ours if ours[name] != theirs[name]] == [part]


def test_the_precision_that_the_machine_chose_is_part_of_the_identity(data, monkeypatch):
    """Where a checkpoint is taken to another machine, the training begins again."""
    found = []
    for chosen in ("float32", "mixed_bfloat16"):
        monkeypatch.setattr(
            fingerprint, "choose_precision", lambda precision, chosen=chosen: chosen
        )
        found.append(identify(data, precision="auto"))
    ours, theirs = found
    assert [name for name in ours if ours[name] != theirs[name]] == ["parameters"]


def test_the_content_of_data_is_part_of_the_identity(data):
    before = identify(data)
    (data / "ids.npy").write_bytes(b"13")
    after = identify(data)
    assert [name for name in before if before[name] != after[name]] == ["data"]


def test_code_is_the_imported_modules_and_the_stage_itself(tmp_path):
    for name in ("preference", "tests"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "preference/never_imported.py").write_text("")
    edited = ("preference/never_imported.py", "stage.py", "preference/models/fused/gelu.py")
    command = [sys.executable, "stage.py", *edited]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()[-4:]]
    codes = [one["code"] for one in found]
    assert codes[0] == codes[1] and len(set(codes)) == 3
    assert len({tuple(one[name] for name in one if name != "code") for one in found}) == 1
