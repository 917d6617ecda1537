"""Each experiment has a file of the values that it trains with, and of no others."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from repository import REPOSITORY
from study_params import STUDY, write_study_params

from preference.config.experiment import (
    CONFIG,
    digest_of,
    fold_of,
    list_folds,
    read_experiment,
    read_features,
    read_index,
    read_present_experiment,
    read_presets,
    resolve_experiment,
    seeds_of,
    shown_parameters,
    write_experiments,
)
from preference.config.params import load_params
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import edit_yaml, read_yaml, write_yaml

PARAMS = Path("params.yaml")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the study's parameters, and what `configure` makes of them."""
    monkeypatch.chdir(write_study_params(tmp_path))
    write_experiments(load_params())


def change(key, value):
    edit_yaml(PARAMS, {key: value})


def contents():
    return {path.name: path.read_bytes() for path in CONFIG.iterdir()}


def changed_files(key, value):
    """Return the files of experiments that a change of params.yaml changes."""
    before = contents()
    change(key, value)
    write_experiments(load_params())
    after = contents()
    lists = {"index.json", "presets.json", "features.json"}
    assert set(before) == set(after) == lists | {f"{name}.json" for name in STUDY}
    experiments = {name for name in STUDY if before[f"{name}.json"] != after[f"{name}.json"]}
    # The index has the digest of each, and so changes with any of them.
    assert (before["index.json"] != after["index.json"]) == bool(experiments)
    return experiments


@pytest.mark.parametrize(
    ("key", "value", "experiments"),
    [
        ("train.learning_rate", 0.5, STUDY),
        ("seed", 7, STUDY),
        ("train.seeds", [1, 2], ["exp1", "exp2", "exp3"]),
        ("text.turns", "first", STUDY),
        # Those that do not override it.
        ("model.preset", "deberta_v3_mini", ["baseline", "exp1", "exp3"]),
        ("model.seq_len", 64, ["baseline", "exp1", "exp3"]),
        ("train.optimizer", "adamw", ["baseline"]),
        ("experiments.exp1.train.weight_decay", 0.5, ["exp1"]),
        ("experiments.exp3.model.pool", "cls", ["exp3"]),
        # The same value in another place.
        ("experiments.baseline.model.pool", "mean", []),
        # What decides no weights.
        ("train.checkpoint_minutes", 1, []),
        ("evaluation.resamples", 100, []),
        ("split.near_duplicates", "group", []),
        ("submit.model", "exp1", []),
        ("reference.max_features", 10, []),
    ],
)
def test_a_changed_value_changes_the_files_of_the_experiments_that_have_it(key, value, experiments):
    assert changed_files(key, value) == set(experiments)


def test_a_new_experiment_changes_no_other():
    before = contents()
    change("experiments.mine", {"model": {"seq_len": 64}})
    write_experiments(load_params())
    after = contents()
    assert set(after) - set(before) == {"mine.json"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"index.json", "features.json"}
    assert [entry.name for entry in read_index()] == [*STUDY, "mine"]


def test_an_experiment_that_is_removed_has_no_file_any_more():
    params = read_yaml(PARAMS)
    del params["experiments"]["exp1"]
    write_yaml(PARAMS, params)
    write_experiments(load_params())
    assert not (CONFIG / "exp1.json").exists()
    assert [entry.name for entry in read_index()] == ["baseline", "exp2", "exp3"]


def test_the_index_has_the_digest_of_each_file():
    for entry in read_index():
        content = (CONFIG / f"{entry.name}.json").read_bytes()
        assert entry.digest == hashlib.sha256(content).hexdigest()
        experiment = read_experiment(entry.name)
        assert entry.digest == digest_of(experiment)
        expected = [2024, 2025, 2026, 2027] if entry.name == "baseline" else [2024, 2025]
        assert entry.seeds == experiment.seeds == expected


def test_what_is_read_is_what_params_yaml_says():
    change("train.seeds", [3, 4])
    write_experiments(load_params())
    for name in STUDY:
        assert read_experiment(name) == resolve_experiment(load_params(), name)
        expected = [2024, 2025, 2026, 2027] if name == "baseline" else [3, 4]
        assert read_present_experiment(name).seeds == expected
    assert read_experiment("exp2").model.seq_len == 1024
    assert read_presets() == ["deberta_v3_mini", "deberta_v3_tiny"]


def test_only_a_changed_use_of_features_changes_which_features_are_computed():
    before = contents()["features.json"]
    assert changed_files("train.learning_rate", 0.5) and contents()["features.json"] == before
    assert changed_files("experiments.exp3.model.features", False) == {"exp3"}
    assert read_features() == {"baseline": True, "exp1": True, "exp2": True, "exp3": False}


def test_an_unknown_name_is_told_with_the_known_ones():
    said = r"no experiment 'exp9'; there are baseline, exp1, exp2, exp3\. .*`dvc repro configure`"
    for read in (read_experiment, read_present_experiment):
        with pytest.raises(BadInput, match=said):
            read("exp9")


def test_before_configure_its_stage_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"exp1\.json does not exist: run `dvc repro configure`"):
        read_experiment("exp1", tmp_path / "none")


@pytest.mark.parametrize("value", [None, "many", 0])
def test_a_file_that_is_damaged_names_its_stage(value):
    path = CONFIG / "exp1.json"
    values = json.loads(path.read_text())
    values["train"]["epochs"] = value
    path.write_text(json.dumps(values))
    with pytest.raises(BadInput, match=r"exp1\.json.*train\.epochs.*configure"):
        read_experiment("exp1")


def test_parameters_that_have_changed_after_configure_are_refused():
    change("experiments.exp1.train.weight_decay", 0.5)
    with pytest.raises(
        BadInput, match=r"data/config/exp1\.json is of other .*`dvc repro configure`"
    ):
        read_present_experiment("exp1")
    # It has not changed.
    assert read_present_experiment("exp2") == read_experiment("exp2")


def test_what_changes_no_weights_is_not_refused():
    change("train.checkpoint_minutes", 1)
    change("evaluation.resamples", 100)
    assert read_present_experiment("exp1") == read_experiment("exp1")


def test_shown_parameters_are_the_sections_that_an_experiment_may_change():
    shown = shown_parameters(read_experiment("exp3"))
    assert list(shown) == ["text", "model", "train"]
    assert shown["model"]["head_units"] == [512, 256, 64]
    assert "checkpoint_minutes" not in shown["train"]


def configure():
    return subprocess.run(
        [sys.executable, "-m", "stages.configure"],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        text=True,
        capture_output=True,
    )


def test_the_stage_writes_the_same_bytes_again():
    before = contents()
    assert configure().returncode == 0
    assert contents() == before


def test_the_stage_tells_a_mistake_in_one_line_and_keeps_what_was_there():
    before = contents()
    change("experiments.exp1.model.head", "mlp")
    done = configure()
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: params.yaml: experiments.exp1.model")
    assert contents() == before


def test_a_training_run_belongs_to_one_fold():
    before = contents()
    change("split.folds", 3)
    change("experiments.exp1.train.seeds", 2)
    write_experiments(load_params())
    experiment = read_present_experiment("exp1")
    assert [fold_of(experiment, seed) for seed in experiment.seeds] == [1, 2, 3, 1, 2, 3]
    assert seeds_of(experiment, 2) == [2025, 2028]
    assert [entry.folds for entry in read_index()][:2] == [[1, 2, 3] * 4, [1, 2, 3] * 2]
    assert list_folds(read_index()) == [1, 2, 3]
    # What the battles are split once for says nothing of folds.
    change("split.folds", 1)
    change("experiments.exp1.train.seeds", [])
    write_experiments(load_params())
    assert contents()["baseline.json"] == before["baseline.json"]
    assert all(b"fold" not in content for content in contents().values())
    assert fold_of(read_experiment("baseline"), 2025) is None
    assert list_folds(read_index()) == [None]


def test_a_data_set_of_the_hub_as_source_is_told_where_it_belongs():
    change("data.source", "hf://datasets/a/b")
    done = configure()
    assert done.returncode == 1
    assert "Write it as data.hub, and data.source: huggingface" in done.stderr
