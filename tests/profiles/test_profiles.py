import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import load_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from repository import REPOSITORY

from preference.config.params import load_params
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import edit_yaml, write_yaml
from profiles.profile_parameters import assignments, check_profile, flatten, merged_params
from profiles.untracked_inputs import untracked_inputs

NAMES = sorted(path.stem for path in (REPOSITORY / "profiles").glob("*.yaml"))
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(REPOSITORY),
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def run(*command, folder, succeeds=True):
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, text=True, capture_output=True)
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == succeeds, output[-3000:]
    return output


@pytest.fixture
def folder(tmp_path):
    """A folder with this repository's params.yaml, and with no profile."""
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    (tmp_path / "profiles").mkdir()
    return tmp_path


def write_profile(folder, text):
    (folder / "profiles" / "mine.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_valid_and_changes_something(name):
    profile = check_profile(name, REPOSITORY)
    params = load_yaml(REPOSITORY / "params.yaml")
    shared = dict(flatten(params))
    assert profile
    assert [key for key, value in flatten(profile) if shared.get(key) == value] == []


def test_there_is_a_small_profile():
    assert "small" in NAMES


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("train: {epoch: 1}", ["profiles/mine.yaml", "unknown key train.epoch"]),
        ("train: {epochs: many}", ["profiles/mine.yaml", "train.epochs"]),
        ("train: {epochs: 0}", ["profiles/mine.yaml", "train.epochs"]),
        ("train: 1", ["profiles/mine.yaml", "train"]),
        ("seed: {epochs: 1}", ["profiles/mine.yaml", "seed"]),
        ("seed: 1\nseed: 2", ["profiles/mine.yaml", "line 2"]),
        ("experiments: {exp1: {train: {epoch: 1}}}", ["profiles/mine.yaml", "exp1.train.epoch"]),
        ("- train", ["profiles/mine.yaml", "no keys at its top"]),
        ("", ["profiles/mine.yaml", "no keys at its top"]),
        ("train: [", ["profiles/mine.yaml", "not valid YAML"]),
    ],
)
def test_a_profile_that_params_yaml_cannot_take_is_refused(folder, text, messages):
    write_profile(folder, text)
    with pytest.raises(BadInput) as error:
        check_profile("mine", folder)
    assert [message for message in messages if message not in str(error.value)] == []


def test_an_unknown_profile_is_refused_and_the_known_ones_are_named(folder):
    write_profile(folder, "seed: 1")
    with pytest.raises(BadInput, match=r"no profiles/other.yaml.*mine"):
        check_profile("other", folder)


def test_only_what_a_profile_names_is_changed(folder):
    before = dict(flatten(load_yaml(folder / "params.yaml")))
    profile = {"train": {"epochs": 7}, "experiments": {"exp1": {"model": {"seq_len": 64}}}}
    edit_yaml(folder / "params.yaml", profile)
    after = dict(flatten(load_yaml(folder / "params.yaml")))
    assert after == before | {"train.epochs": 7, "experiments.exp1.model.seq_len": 64}
    assert load_params(folder / "params.yaml").experiment("exp1").model.seq_len == 64


def test_what_a_profile_writes_into_params_yaml_dvc_reads_as_it_is_meant(folder):
    texts = {"source": "1e-3", "extra": ["010", "yes", "1:30"]}
    edit_yaml(folder / "params.yaml", {"data": texts})
    assert texts.items() <= load_yaml(folder / "params.yaml")["data"].items()


def test_dvc_reads_every_kind_of_value_as_the_profile_means_it(tmp_path):
    values = {
        "text": "a b, {c}: [d] 'e' \"f\" = \u00e9",
        "digits": "12",
        "looks_like_a_number": "1e-3",
        "looks_like_a_switch": "yes",
        "octal": "010",
        "empty": "",
        "count": 3,
        "rate": 0.00025,
        "flag": False,
        "nothing": None,
        "units": [8, 4],
        "names": ["a b", "c,d"],
        "none": [],
    }
    file = tmp_path / "params.yaml"
    file.write_text("section: {count: 2}\nseed: 1\n")
    apply_overrides(file, assignments({"section": values, "seed": 5}))
    assert load_yaml(file) == {"section": values, "seed": 5}


@settings(deadline=None, max_examples=50)
@given(
    st.text(st.sampled_from("ab\\\"'$ ,=[]{}():#\n\t") | st.characters(exclude_categories=["Cs"]))
)
@example("a\\b")
@example("\\")
@example('\\\\"')
def test_dvc_reads_every_text_as_the_profile_means_it(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "params.yaml"
    file.write_text("section: {text: x}\n")
    profile = {"section": {"text": text, "list": [text, text], "new": {}}}
    if "${" in text or text == "???":
        with pytest.raises(BadInput, match=r"section\.text: DVC gives"):
            assignments(profile)
    elif text.isprintable():
        apply_overrides(file, assignments(profile))
        assert load_yaml(file) == profile


@pytest.fixture
def repository(folder):
    """A pipeline of one stage, which copies params.yaml, and a profile."""
    write_profile(
        folder,
        "train: {epochs: 7}\n"
        "model: {head: mlp, head_units: [8], head_dropout: [0.5]}\n"
        "experiments: {exp1: {text: {turns: first}}}\n",
    )
    stage = {
        "cmd": "cp params.yaml copy.yaml",
        "params": [{"params.yaml": None}],
        "outs": [{"copy.yaml": {"cache": False}}],
    }
    write_yaml(folder / "dvc.yaml", {"stages": {"copy": stage}})
    run("git", "init", "--quiet", "--initial-branch=main", folder=folder)
    run("git", "config", "user.name", "A user", folder=folder)
    run("git", "config", "user.email", "user@example.com", folder=folder)
    run("dvc", "init", "--quiet", folder=folder)
    run("git", "add", "--all", folder=folder)
    run("git", "commit", "--quiet", "--message", "Start", folder=folder)
    return folder


def test_a_profile_runs_as_an_experiment_and_leaves_the_workspace_as_it_was(repository):
    params = (repository / "params.yaml").read_bytes()
    run(sys.executable, "-m", "profiles", "mine", folder=repository)
    assert (repository / "params.yaml").read_bytes() == params
    assert run("git", "status", "--porcelain", folder=repository) == ""

    again = run(sys.executable, "-m", "profiles", "mine", folder=repository, succeeds=False)
    assert "dvc exp remove mine" in again

    run("dvc", "exp", "apply", "mine", folder=repository)
    ran = load_yaml(repository / "copy.yaml")
    run("git", "checkout", "--quiet", "params.yaml", folder=repository)
    edit_yaml(repository / "params.yaml", check_profile("mine", repository))
    assert ran == load_yaml(repository / "params.yaml")


def test_files_that_git_does_not_track_go_along(repository, monkeypatch):
    monkeypatch.chdir(repository)
    extra, initial = "data/extra/more.csv", "data/initial/first"
    (repository / initial).mkdir(parents=True)
    (repository / "data/extra").mkdir()
    for name in ("votes.csv", "tracked.csv", extra, f"{initial}/bundle.json"):
        (repository / name).write_text("x")
    run("git", "add", "tracked.csv", folder=repository)

    def found(**data):
        profile = {"data": data, "experiments": {"exp1": {"train": {"initial": initial}}}}
        with merged_params(profile) as file:
            return untracked_inputs(load_params(file))

    assert found(source="votes.csv", extra=[extra]) == ["votes.csv", extra, initial]
    assert found(source="tracked.csv") == found(source="arena55k") == [initial]
    assert found(source=str(repository / "votes.csv")) == [initial]
    preset = repository / "my_preset"
    preset.mkdir()
    (preset / "config.json").write_text("{}")
    profile = {"model": {"preset": "my_preset"}, "data": {"source": "arena55k"}}
    with merged_params(profile) as file:
        assert untracked_inputs(load_params(file)) == ["my_preset"]
    (repository.parent / "votes.csv").write_text("x")
    with pytest.raises(BadInput, match=r"where ../votes.csv is not found .*absolute path"):
        found(source="../votes.csv")


def test_a_bad_profile_stops_before_anything_runs(repository):
    write_profile(repository, "train: {epoch: 1}")
    output = run(sys.executable, "-m", "profiles", "mine", folder=repository, succeeds=False)
    assert output.startswith("error: profiles/mine.yaml")
    assert len(output.splitlines()) == 1
