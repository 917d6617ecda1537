"""The real stages on battles that the lengths of the answers decide.

The network is frozen, and every side that it reads has 16 tokens, so that it cannot know a length.
"""

import csv
import json
import runpy
import sys
from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from repository import REPOSITORY
from small_preset import save_preset

from preference.battles.predictions import read_predictions
from preference.bundle.manifest import read_manifest
from preference.config.experiment import read_index
from preference.evaluation.experiment_changes import describe_experiments
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import bundle, configure, featurize, fetch, predict, preprocess, split, train

BATTLES, WORDS = 320, ["soup", "bread", "garden", "rake", "whale", "tide", "oven", "onion"]
LABELS = ["winner_model_a", "winner_model_b", "winner_tie"]
CHANGES = {
    "data": {"source": "battles.csv"},
    "model": {"preset": "preset", "seq_len": 16, "head": "equivariant"},
    "train": {
        "seeds": [],
        "epochs": 10,
        "tokens_per_batch": 1024,
        "learning_rate": 0.05,
        "freeze": 1,
    },
}


def write_votes():
    """The longer answer wins; where they are as long, it is a tie."""
    random = np.random.default_rng(3)
    lengths = random.integers(20, 300, (BATTLES, 2))
    lengths[::5, 1] = lengths[::5, 0]
    wins = np.array([lengths[:, 0] > lengths[:, 1], lengths[:, 0] < lengths[:, 1]])
    with open("battles.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "prompt", "response_a", "response_b", *LABELS])
        for number, (sides, won) in enumerate(zip(lengths, wins.T, strict=True)):
            texts = [" ".join(random.choice(WORDS, count)) for count in (20, *sides)]
            labels = [int(one) for one in (*won, not won.any())]
            writer.writerow([number * 7, *(json.dumps([text]) for text in texts), *labels])


def write_params():
    params = read_yaml(REPOSITORY / "params.yaml")
    for section, changes in CHANGES.items():
        params[section] |= changes
    params["experiments"] = {
        "without": {"model": {"features": False}},
        "with": {"model": {"features": True}},
    }
    write_yaml(Path("params.yaml"), params)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    with chdir(folder):
        write_votes()
        # The weights of the preset must not depend on the tests before this one.
        keras.utils.set_random_seed(1)
        save_preset([" ".join(WORDS)] * 20)
        write_params()
        for stage in (configure, fetch, split, preprocess, featurize):
            stage.main()
        for name in ("without", "with"):
            keras.backend.clear_session()
            train.main(name)
            predict.main(name)
        bundle.main("with")
    return folder


@pytest.fixture
def folder(pipeline, monkeypatch):
    monkeypatch.chdir(pipeline)
    return pipeline


def battles_of(split):
    """Return the battles of a split, in the order of its file."""
    battles = pd.read_parquet("data/battles.parquet").set_index("id")
    return battles.loc[pd.read_parquet(f"data/split/{split}.parquet")["id"]]


def predicted(name):
    return read_predictions(Path(f"data/predictions/{name}/seed-2024/test.parquet"), "")


def accuracy(name):
    return np.mean(predicted(name).probabilities.argmax(axis=1) == battles_of("test")["label"])


def test_a_frozen_network_learns_from_features_what_it_cannot_read(folder):
    assert accuracy("with") > 0.85
    assert accuracy("without") < 0.6


def test_swapping_the_answers_swaps_the_predictions_to_the_last_bit(folder):
    predictions = predicted("with")
    assert np.array_equal(predictions.probabilities, predictions.swapped)
    assert len(np.unique(predictions.probabilities)) > len(predictions.ids)


def test_features_are_normalised_by_train_alone(folder):
    """Both answers have one mean, and the features of a prompt have their own."""
    path = Path("models/with/features.json")
    assert path.read_bytes() == Path("models/weights/with/seed-2024/features.json").read_bytes()
    scales = {one.pop("name"): one for one in json.loads(path.read_text())["features"]}
    train_battles = battles_of("train")
    answers = [*train_battles["response_a"], *train_battles["response_b"]]
    for name, texts in (("answer", answers), ("prompt", train_battles["prompt"])):
        lengths = np.log1p([len(text) for (text,) in texts]).astype("float32").astype("float64")
        scale = scales[f"{name}: characters"]
        assert scale["mean"] == pytest.approx(lengths.mean())
        assert scale["deviation"] == pytest.approx(lengths.std())
    # No answer holds a link.
    assert scales["answer: links"] == {"mean": 0, "deviation": 0}
    assert len(scales) == 72


def test_the_command_predicts_from_texts_what_the_stage_predicts_from_stored_features(
    folder, monkeypatch, tmp_path
):
    ids = [str(one) for one in predicted("with").ids]
    with open("battles.csv", encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    source, output = tmp_path / "test.csv", tmp_path / "predicted.csv"
    with source.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["id", "prompt", "response_a", "response_b"])
        writer.writeheader()
        writer.writerows({key: rows[one][key] for key in writer.fieldnames} for one in ids)
    arguments = ["predict", "--model", "models/with", str(source), str(output)]
    monkeypatch.setattr(sys, "argv", ["preference", *arguments])
    runpy.run_module("preference", run_name="__main__")
    table = pd.read_csv(output)
    assert table["id"].astype(str).tolist() == ids
    temperature = read_manifest(Path("models/with")).calibration.in_order.temperature
    powers = predicted("with").probabilities ** (1 / temperature)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table[LABELS], expected, atol=1e-6)


def test_the_same_features_are_computed_again_and_only_for_whom_they_are(folder):
    before = {path.name: path.read_bytes() for path in Path("data/features").iterdir()}
    featurize.main()
    assert before == {path.name: path.read_bytes() for path in Path("data/features").iterdir()}
    assert set(before) == {"with.npy", "without.npy"}
    assert len(np.load("data/features/with.npy")) == BATTLES
    assert len(np.load("data/features/without.npy")) == 0


def test_the_evaluation_and_the_card_say_who_reads_features(folder):
    without, reading = read_index()
    assert describe_experiments([without, reading])["with"]["changes"] == {
        "model.features": [False, True]
    }
    assert describe_experiments([reading, without])["without"]["changes"] == {
        "model.features": [True, False]
    }
    assert "also reads dense features" in Path("models/with/README.md").read_text()
