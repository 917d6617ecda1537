"""The stages with a preset folder in the place of our own small backbone."""

import json
import shutil
from pathlib import Path

import keras
import keras_nlp
import numpy as np
import pyarrow.parquet as pq
import pytest
from repository import REPOSITORY

from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest
from preference.judge.judge import predict_saved
from preference.models.pretrained.backbones import load_backbone
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.tokenizers.tokenizer import train_tokenizer
from stages import fetch, preprocess, split, train

FIXTURES = REPOSITORY / "tests/fixtures/hugging_face"


def keras_weights():
    """Save a preset of keras-hub in `preset`, and return its weights."""
    tokenizer = train_tokenizer(["What is a preset? It is a folder with weights."], 300)
    backbone = keras_nlp.models.DebertaV3Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        bucket_size=8,
    )
    backbone.save_to_preset("preset")
    tokenizer.save_to_preset("preset")
    return backbone.get_weights()


def hugging_face_weights(name):
    """Put a model of transformers in `preset`, and return its weights."""
    shutil.copytree(FIXTURES / name, "preset")
    return load_backbone("preset", vocabulary_size=1).get_weights()


PRESETS = {
    "keras": keras_weights,
    "deberta": lambda: hugging_face_weights("deberta"),
    "bert": lambda: hugging_face_weights("bert"),
}


@pytest.fixture(params=PRESETS.values(), ids=PRESETS)
def weights(request, tmp_path, monkeypatch, fresh_preprocess):
    """The weights of a preset; in the working folder, tokens for a baseline that starts from it."""
    monkeypatch.chdir(tmp_path)
    expected = request.param()
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"]["battles"] = 150
    params["model"] |= {"preset": "preset", "seq_len": 64}
    # Next to nothing is learned, so that the weights are still those of the preset.
    params["train"] |= {"epochs": 1, "learning_rate": 1e-9}
    write_yaml(Path("params.yaml"), params)
    fetch.main()
    split.main()
    Path("data/split/test.parquet").rename("test.parquet")
    # What is not there cannot be looked at.
    calibration = Path("data/split/calibration.parquet").rename("calibration.parquet")
    preprocess.main()
    calibration.rename("data/split/calibration.parquet")
    return expected


def test_baseline_starts_from_the_weights_of_a_preset_folder(weights):
    keras.backend.clear_session()
    train.main("baseline")
    trained = load_bundle(Path("models/baseline")).model.get_layer("backbone")
    for ours, preset in zip(trained.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, preset, atol=1e-5)
    ids = pq.read_table("test.parquet")["id"].to_numpy()
    shutil.rmtree("preset")
    (predictions,) = predict_saved(Path("models/baseline"), [ids], "baseline")
    assert predictions.probabilities.sum(axis=1) == pytest.approx(1)
    folder = Path("data/tokens", read_manifest(Path("models/baseline")).tokens)
    settings = folder / "tokenizer.json"
    settings.write_text(settings.read_text() + " ")
    with pytest.raises(BadInput, match=r"baseline: .*is not the tokenizer .*train_baseline"):
        predict_saved(Path("models/baseline"), [ids], "baseline")


def test_the_weights_know_nothing_of_the_calibration_split(weights):
    manifests = []
    for _ in range(2):
        keras.backend.clear_session()
        train.main("baseline")
        manifests.append(read_manifest(Path("models/baseline")))
        shutil.copy("test.parquet", "data/split/calibration.parquet")
    first, other = manifests
    assert first.calibration.battles != other.calibration.battles
    assert first.calibration.in_order.temperature != other.calibration.in_order.temperature
    assert first.files["model.weights.h5"] == other.files["model.weights.h5"]


def test_each_tokenizer_has_tokens_of_its_own(weights):
    index = json.loads(Path("data/tokens/index.json").read_text())
    assert set(index) == {"preset", "deberta_v3_mini"}
    assert len(set(index.values())) == 2
