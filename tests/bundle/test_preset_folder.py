"""The stages with a preset folder in the place of our own small backbone."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest
from repository import REPOSITORY
from small_preset import save_preset

from preference.battles.predictions import read_origin, read_predictions
from preference.battles.splits import PREDICTED_SPLITS, split_file
from preference.battles.table import FIELDS, read_battles
from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest
from preference.config.experiment import read_experiment, write_experiments
from preference.config.params import load_params
from preference.judge.judge import PreferenceJudge
from preference.models.model_files import WEIGHTS
from preference.models.pretrained.backbones import load_backbone
from preference.models.training_record import read_record, run_folder
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.sequences.packing import full_lengths
from preference.sequences.token_store import open_tokens
from preference.statistics.temperature_scaling import apply_temperature
from stages import bundle, fetch, predict, preprocess, split, train

FIXTURES = REPOSITORY / "tests/fixtures/hugging_face"
BUNDLE, PREDICTIONS = Path("models/baseline"), Path("data/predictions/baseline/seed-2024")


def keras_weights():
    """Save a preset of keras-hub in `preset`, and return its weights."""
    return save_preset(["What is a preset? It is a folder with weights."])


def hugging_face_weights(name):
    """Put a model of transformers in `preset`, and return its weights."""
    shutil.copytree(FIXTURES / name, "preset")
    return load_backbone("preset", vocabulary_size=1).get_weights()


PRESETS = {
    "keras": keras_weights,
    "deberta": lambda: hugging_face_weights("deberta"),
    "bert": lambda: hugging_face_weights("bert"),
}


# For what is the same whatever the preset is.
one_preset = pytest.mark.parametrize("once", [keras_weights], ids=["keras"], indirect=True)


@pytest.fixture(scope="module", params=PRESETS.values(), ids=PRESETS)
def once(request, tmp_path_factory):
    """A folder with a baseline that started from a preset; the preset's weights; the record."""
    folder = tmp_path_factory.mktemp("preset")
    # As in a process of its own, with no tokenizer trained before.
    preprocess.trained_tokenizer.cache_clear()
    with chdir(folder):
        weights = request.param()
        write_data()
        return folder, weights, train_baseline()


@pytest.fixture
def trained(once, tmp_path, monkeypatch):
    """The weights of a preset and the record of a training; a copy is the working folder."""
    folder, *found = once
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "copy"))
    return found


def write_data():
    """Write the tokens of a baseline that starts from the preset; hide the splits to predict."""
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"]["battles"] = 150
    params["model"] |= {"preset": "preset", "seq_len": 64, "features": False}
    # Next to nothing is learned, so that the weights are still those of the preset.
    params["train"] |= {"seeds": [], "epochs": 1, "learning_rate": 1e-9}
    params["experiments"]["baseline"] = {}
    write_yaml(Path("params.yaml"), params)
    write_experiments(load_params())
    fetch.main()
    split.main()
    # What is not there cannot be looked at.
    for name in PREDICTED_SPLITS:
        split_file(name).rename(f"{name}.parquet")
    preprocess.main()


def bring_back_splits():
    for name in PREDICTED_SPLITS:
        shutil.copy(f"{name}.parquet", split_file(name))


def train_baseline():
    keras.backend.clear_session()
    train.main("baseline")
    (seed,) = read_experiment("baseline").seeds
    return read_record("baseline", seed)


def test_baseline_starts_from_the_weights_of_a_preset_folder(trained):
    weights, record = trained
    bring_back_splits()
    # A prediction and a bundle need what the training has left, and its preset no more.
    shutil.rmtree("preset")
    predict.main("baseline")
    bundle.main("baseline")
    loaded = load_bundle(BUNDLE)
    backbone = loaded.model.get_layer("backbone")
    for ours, preset in zip(backbone.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, preset, atol=1e-5)
    manifest = loaded.manifest
    assert (manifest.tokens, manifest.training) == (record.tokens, record.training)
    assert manifest.files["model.weights.h5"] == record.weights
    assert manifest.files["model.weights.h5"] == hash_file(run_folder("baseline", 2024) / WEIGHTS)
    assert set(manifest.data) == {str(split_file(name)) for name in ("train", "valid")} | {
        "data/battles.parquet",
        "data/split/calibration.parquet",
    }
    path = PREDICTIONS / "test.parquet"
    predictions = read_predictions(path, "predict@baseline")
    assert predictions.probabilities.sum(axis=1) == pytest.approx(1)
    ids = pq.read_table("test.parquet")["id"].to_numpy()
    assert_judge_says_the_same(loaded, predictions, ids)
    tokens = Path("data/tokens", record.tokens)
    cut = full_lengths_of(tokens, ids, manifest.packing) > 64
    np.testing.assert_array_equal(read_origin(path, "predict@baseline")[1], cut)
    assert cut.any()


def assert_judge_says_the_same(loaded, predictions, ids):
    """The bundle predicts from the texts what the stage predicted from tokens, but calibrated."""
    battles = read_battles(Path("data/battles.parquet"), ("id", *FIELDS))
    rows = {row["id"]: row for row in battles.to_pylist()}
    found = PreferenceJudge(loaded).predict([rows[number] for number in ids.tolist()])
    temperature = loaded.manifest.calibration.in_order.temperature
    expected = apply_temperature(predictions.probabilities, temperature)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def full_lengths_of(folder, ids, packing):
    """Return the length of the longer side of each battle."""
    tokens = open_tokens(folder)
    return full_lengths(tokens, tokens.rows_of(ids), packing).max(axis=1)


@one_preset
def test_without_the_tokens_of_its_training_nothing_is_predicted_or_bundled(trained):
    """As after a change of the tokenizer, whose tokens have another folder."""
    _, record = trained
    bring_back_splits()
    predict.main("baseline")
    before = {path: path.read_bytes() for path in PREDICTIONS.iterdir()}
    shutil.rmtree(Path("data/tokens", record.tokens))
    said = f"data/tokens/{record.tokens} does not exist, and baseline was trained on it: run "
    for stage in (predict, bundle):
        with pytest.raises(BadInput, match=f"{said}`dvc repro train_baseline`"):
            stage.main("baseline")
    # What was there stays, and nothing is left half.
    assert {path: path.read_bytes() for path in PREDICTIONS.iterdir()} == before
    assert not BUNDLE.exists()


@one_preset
def test_the_weights_know_nothing_of_the_calibration_split(trained):
    """They are the same without one and with another, which changes the temperatures alone."""
    _, record = trained
    bring_back_splits()
    first = predict_and_bundle()
    shutil.copy("test.parquet", split_file("calibration"))
    # Or the stage would take the model of the finished run from there.
    shutil.rmtree(".checkpoints")
    assert train_baseline() == record
    other = predict_and_bundle()
    assert first.calibration.battles != other.calibration.battles
    assert first.calibration.in_order.temperature != other.calibration.in_order.temperature
    assert first.files["model.weights.h5"] == other.files["model.weights.h5"] == record.weights


def predict_and_bundle():
    predict.main("baseline")
    bundle.main("baseline")
    return read_manifest(BUNDLE)


def test_each_tokenizer_has_tokens_of_its_own(trained):
    index = json.loads(Path("data/tokens/index.json").read_text())
    assert set(index) == {"preset", "deberta_v3_mini"}
    assert len(set(index.values())) == 2
