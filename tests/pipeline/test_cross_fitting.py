"""Cross-fitting: the real stages with two folds, on tiny data and a tiny network for each."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from repository import REPOSITORY
from scipy.optimize import minimize_scalar
from small_preset import save_preset

from preference.battles.predictions import read_predictions
from preference.bundle.manifest import read_manifest
from preference.config.experiment import CONFIG, PRESETS, read_experiment
from preference.judge.judge import PreferenceJudge
from preference.models.training_record import TRAINED, read_record
from preference.runtime.atomic_write import writing_folder
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.sequences.token_store import TOKENS, find_tokens
from stages import (
    blend,
    bundle,
    configure,
    evaluate,
    featurize,
    fetch,
    leaderboard,
    predict,
    predict_reference,
    preprocess,
    report,
    split,
    train,
    train_reference,
)

SEEDS = {1: 2024, 2: 2025}
REFERENCES = Path("data/predictions/reference")
CHANGES = {
    "data": {"simulated": {"battles": 240, "length_scale": 0.03}},
    "tokenizer": {"vocabulary_size": 400},
    "model": {
        "preset": "preset",
        "seq_len": 16,
        "dropout": 0.1,
        "head": "davidson",
        "features": True,
    },
    "train": {"seeds": [], "epochs": 1, "tokens_per_batch": 8192, "clip_norm": 1.0},
    "reference": {"max_features": 100},
    "evaluation": {"resamples": 100},
    "split": {"folds": 2},
}


def write_params():
    params = read_yaml(REPOSITORY / "params.yaml")
    for section, changes in CHANGES.items():
        params[section] |= changes
    params["experiments"] = {"baseline": {}}
    write_yaml(Path("params.yaml"), params)


def train_here():
    """Do what `train.main` does, without a process for the second run."""
    experiment = read_experiment("baseline")
    with writing_folder(TRAINED / "baseline") as folder, train.open_live("baseline") as live:
        for seed in experiment.seeds:
            keras.backend.clear_session()
            found = train.train(experiment, seed, folder, None if live.summary else live)
            live.summary = live.summary or found


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The folder of a whole run."""
    folder = tmp_path_factory.mktemp("folds")
    preprocess.trained_tokenizer.cache_clear()
    with chdir(folder):
        save_preset(["What is a preset? It is a folder with weights."])
        write_params()
        configure.main()
        # A tokenizer of our own is trained as well, although no network is.
        (CONFIG / PRESETS).write_text(json.dumps(["preset", "deberta_v3_tiny"]))
        stages = (fetch, split, preprocess, featurize, train_reference, predict_reference)
        for stage in stages:
            stage.main()
        train_here()
        predict.main("baseline")
        bundle.main("baseline")
        for stage in (blend, evaluate, leaderboard, report):
            stage.main()
    preprocess.trained_tokenizer.cache_clear()
    return folder


@pytest.fixture
def folder(pipeline, monkeypatch):
    monkeypatch.chdir(pipeline)
    return pipeline


def battles_of(name, fold):
    """Return the battles of a split of a fold, with labels, in the order of its file."""
    members = pd.read_parquet(f"data/split/{name}.parquet")
    battles = pd.read_parquet("data/battles.parquet").set_index("id")
    return battles.loc[members.loc[members["fold"] == fold, "id"]]


def loss(probabilities, labels):
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


def heat(probabilities, temperature):
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def calibrated(path, name, fold, labels):
    """Return the test predictions in a folder with the temperature that calibration asks for."""
    fitted = read_predictions(path / "calibration.parquet", "").probabilities
    best = minimize_scalar(
        lambda log: loss(heat(fitted, np.exp(log)), labels), bounds=(-3, 3), method="bounded"
    )
    return heat(read_predictions(path / "test.parquet", "").probabilities, np.exp(best.x))


def test_each_battle_is_tested_once_by_a_training_that_has_not_seen_it(folder):
    tested = []
    for fold, seed in SEEDS.items():
        path = Path(f"data/predictions/baseline/seed-{seed}/test.parquet")
        predicted = read_predictions(path, "").ids.tolist()
        tested += predicted
        learned = {
            one
            for name in ("train", "valid", "calibration")
            for one in battles_of(name, fold).index
        }
        assert predicted == battles_of("test", fold).index.tolist()
        assert not learned & set(predicted)
        record = read_record("baseline", seed)
        shares = battles_of("train", fold)["label"].value_counts(normalize=True).sort_index()
        assert record.prior == pytest.approx(shares.to_list())
        assert record.parameters["split"] == {"folds": 2, "fold": fold}
    assert sorted(tested) == sorted(pd.read_parquet("data/battles.parquet")["id"])


def test_each_fold_trains_a_tokenizer_of_its_own(folder):
    ours, other = (find_tokens(TOKENS, "deberta_v3_tiny", fold) for fold in SEEDS)
    assert ours != other
    first, second = (find_tokens(TOKENS, "preset", fold) for fold in SEEDS)
    assert first == second


@pytest.mark.parametrize("fold", SEEDS)
def test_each_fold_normalises_features_by_its_own_train_battles(folder, fold):
    path = Path(f"models/weights/baseline/seed-{SEEDS[fold]}/features.json")
    scales = {one["name"]: one for one in json.loads(path.read_text())["features"]}
    lengths = np.log1p([len("\n".join(turns)) for turns in battles_of("train", fold)["prompt"]])
    assert scales["prompt: characters"]["mean"] == pytest.approx(lengths.mean(), rel=1e-6)
    assert scales["prompt: characters"]["deviation"] == pytest.approx(lengths.std(), rel=1e-5)
    # A score of one answer must not depend on the other one.
    assert len(scales) == 67 and not [name for name in scales if name.startswith("pair")]


@pytest.mark.parametrize("model", ["baseline", "length"])
def test_the_log_loss_is_that_of_all_folds_joined(folder, model):
    joined, labels = [], []
    for fold, seed in SEEDS.items():
        path = REFERENCES / f"fold-{fold}" / model
        if model == "baseline":
            path = Path(f"data/predictions/baseline/seed-{seed}")
        fitted_on = battles_of("calibration", fold)["label"].to_numpy()
        joined.append(calibrated(path, model, fold, fitted_on))
        labels.append(battles_of("test", fold)["label"].to_numpy())
    details = json.loads(Path("metrics/evaluation_details.json").read_text())
    assert (details["rows"], details["folds"]) == (240, 2)
    found = details["models"][model]
    assert found["seeds"] == 1 and len(found["temperature"]) == 2
    expected = loss(np.concatenate(joined), np.concatenate(labels))
    assert found["log_loss"]["value"] == pytest.approx(expected, abs=1e-4)


def test_the_weights_of_a_fold_know_no_label_of_its_test_battles(folder, tmp_path, monkeypatch):
    work = shutil.copytree(folder, tmp_path / "work")
    monkeypatch.chdir(work)
    first, second = json.loads(Path("data/blend.json").read_text())
    battles = pd.read_parquet("data/battles.parquet")
    is_tested = battles["id"].isin(battles_of("test", 1).index)
    battles["label"] = np.where(is_tested, 2, battles["label"]).astype("int8")
    battles.to_parquet("data/battles.parquet")
    blend.main()
    again, other = json.loads(Path("data/blend.json").read_text())
    assert again == first
    assert other != second


def test_the_blend_mixes_each_fold_with_its_own_weights(folder):
    mixed = []
    for fold, fit in zip(SEEDS, json.loads(Path("data/blend.json").read_text()), strict=True):
        labels = battles_of("calibration", fold)["label"].to_numpy()
        paths = {name: REFERENCES / f"fold-{fold}" / name for name in fit["models"]}
        paths["baseline"] = Path(f"data/predictions/baseline/seed-{SEEDS[fold]}")
        parts = [
            weight * calibrated(paths[name], name, fold, labels)
            for name, weight in fit["in_order"]["weights"].items()
        ]
        mixed.append(heat(sum(parts), fit["in_order"]["temperature"]))
    scored = read_predictions(Path("data/scored/test/blend.parquet"), "").probabilities
    np.testing.assert_allclose(scored, np.concatenate(mixed), atol=1e-4)


def test_the_bundles_are_used_as_any_other(folder):
    tested = battles_of("test", 1)
    fields = ("prompt", "response_a", "response_b")
    battles = [{name: list(row[name]) for name in fields} for _, row in tested.iterrows()]
    scored = read_predictions(Path("data/scored/test/blend.parquet"), "")
    predicted = PreferenceJudge.load("models/blend").predict(battles)
    assert scored.ids[: len(tested)].tolist() == tested.index.tolist()
    np.testing.assert_allclose(predicted, scored.probabilities[: len(tested)], atol=1e-5)
    assert read_manifest(Path("models/blend")).folds == 2
    for bundle_folder, fold in (("models/baseline", 1), ("models/baseline/seed-2025", 2)):
        card = Path(bundle_folder, "README.md").read_text()
        assert f"fold {fold} of 2" in card
        assert read_manifest(Path(bundle_folder)).parameters["split"]["fold"] == fold
    assert "first of 2 folds" in Path("models/blend/README.md").read_text()


def test_the_report_says_who_has_seen_what(folder):
    text = Path("metrics/report.md").read_text()
    assert "2 folds: each battle is predicted by a training that has not seen it" in text
    assert "240 test battles" in text
    page = Path("metrics/report.html").read_text()
    assert "2 folds: each battle" in page and "fold 2, calibration" in page
