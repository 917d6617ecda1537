"""Only `evaluate` and `leaderboard` use the labels of the test split; `report` shows their metrics.

All other stages after `split` run twice, the second time with other labels in test. What they write
must be the same to the last bit, so that no module can use these labels in any way.
"""

import shutil
from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from repository import REPOSITORY

from preference.battles.soft_labels import label_columns
from preference.battles.splits import read_split_battles, split_file
from preference.battles.table import BATTLES, FIELDS
from preference.config.experiment import write_experiments
from preference.config.params import load_params
from preference.runtime.provenance import hash_file
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import (
    blend,
    bundle,
    evaluate,
    featurize,
    fetch,
    predict,
    predict_reference,
    preprocess,
    split,
    train,
    train_reference,
)

EXPERIMENT = "baseline"
BEFORE_TEST_IS_CHOSEN = {"configure", "fetch", "split"}
USES_TEST_LABELS = {"evaluate", "leaderboard", "report"}
# What each stage writes, and its main function.
STAGES = {
    "preprocess": ("data/tokens", preprocess.main),
    "featurize": ("data/features", featurize.main),
    f"train_{EXPERIMENT}": ("models/weights", lambda: train.main(EXPERIMENT)),
    "predict": ("data/predictions", lambda: predict.main(EXPERIMENT)),
    "bundle": (f"models/{EXPERIMENT}", lambda: bundle.main(EXPERIMENT)),
    "train_reference": ("models/reference", train_reference.main),
    "predict_reference": ("data/predictions/reference", predict_reference.main),
    "blend": ("models/blend", blend.main),
}
# It predicts a file of the user with a bundle, and has neither the battles nor the splits.
NEEDS_NO_BATTLES = {"submit", "initialize"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Battles and splits, with one small experiment."""
    folder = tmp_path_factory.mktemp("labels")
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"] = {"battles": 150, "length_scale": 0.05}
    params["tokenizer"]["vocabulary_size"] = 700
    params["model"] |= {"seq_len": 32, "features": True}
    params["train"] |= {"epochs": 1, "seeds": []}
    params["reference"]["max_features"] = 100
    params["evaluation"]["resamples"] = 100
    params["experiments"] = {EXPERIMENT: {}}
    write_yaml(folder / "params.yaml", params)
    with chdir(folder):
        write_experiments(load_params())
        fetch.main()
        split.main()
    return folder


@pytest.fixture(scope="module")
def written(folder):
    """Two folders with the same battles, but other test labels, and what the stages write there."""
    folders = [shutil.copytree(folder, folder.with_name(name)) for name in ("original", "changed")]
    with chdir(folders[1]):
        change_test_labels()
    return {folder: [run(stage, folder) for stage in STAGES] for folder in folders}


def change_test_labels():
    """Turn A into B, B into tie, and tie into A in all test battles, and in no other."""
    battles = pq.read_table(BATTLES)
    ids = pq.read_table(split_file("test"))["id"].to_numpy()
    labels = battles["label"].to_numpy()
    changed = np.where(np.isin(battles["id"], ids), (labels + 1) % 3, labels)
    column = battles.column_names.index("label")
    pq.write_table(
        battles.set_column(column, battles.schema.field("label"), pa.array(changed, pa.int8())),
        BATTLES,
    )


def outputs_of(output):
    """Return the content of each file, with names for the hashes of the battles and of outputs."""
    files = [path for path in sorted(Path(output).rglob("*")) if path.is_file()]
    names = {hash_file(path).encode(): path.name.encode() for path in (BATTLES, *files)}
    contents = {}
    for path in files:
        content = path.read_bytes()
        for digest, name in names.items():
            content = content.replace(digest, name)
        contents[path.as_posix()] = content
    return contents


def run(stage, folder):
    """Run a stage, and return what it writes."""
    output, main = STAGES[stage]
    keras.backend.clear_session()
    preprocess.trained_tokenizer.cache_clear()
    with chdir(folder):
        main()
        return outputs_of(output)


def test_every_stage_of_the_pipeline_is_checked():
    stages = set(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"])
    trainings = {name for name in stages if name.startswith("train_")} - {"train_reference"}
    checked = set(STAGES) | trainings
    assert checked | BEFORE_TEST_IS_CHOSEN | USES_TEST_LABELS | NEEDS_NO_BATTLES == stages


def test_other_test_labels_change_no_stage_but_evaluate(written):
    for stage, first, second in zip(STAGES, *written.values(), strict=True):
        assert first.keys() == second.keys() and first, stage
        assert [file for file in first if first[file] != second[file]] == [], stage
    metrics = []
    for folder in written:
        with chdir(folder):
            evaluate.main()
            metrics.append(Path("metrics/evaluate.json").read_bytes())
    assert metrics[0] != metrics[1]


def peek_in_bundle(monkeypatch):
    """Fit temperatures on test."""
    real = bundle.read_predictions
    monkeypatch.setattr(bundle, "SPLIT", split_file("test"))
    monkeypatch.setattr(
        bundle,
        "read_predictions",
        lambda file, stage: real(file.with_name("test.parquet"), stage),
    )


def peek_in_references(monkeypatch):
    """Train on test as well."""
    real = train_reference.fit_references

    def fit(train, valid, params, seed):
        columns = (*FIELDS, *label_columns(BATTLES))
        test = read_split_battles(BATTLES, split_file("test"), columns)
        return real(pa.concat_tables([train, test]), valid, params, seed)

    monkeypatch.setattr(train_reference, "fit_references", fit)


@pytest.mark.parametrize(
    ("peek", "stage"), [(peek_in_bundle, "bundle"), (peek_in_references, "train_reference")]
)
def test_a_stage_that_uses_test_labels_is_found(written, tmp_path, monkeypatch, peek, stage):
    peek(monkeypatch)
    copies = [shutil.copytree(folder, tmp_path / folder.name) for folder in written]
    first, second = (run(stage, copy) for copy in copies)
    assert first != second
