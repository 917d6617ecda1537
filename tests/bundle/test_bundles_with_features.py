"""A bundle whose head reads features has their normalisation, and is refused where it is wrong."""

import json

import numpy as np
import pytest
from bundle_with_features import FILE, NORMALIZATION, manifest_with, write_bundle_with_features
from small_bundle import (
    BUNDLE_FILES,
    bundle_of,
    contents,
    edit_manifest,
    refusal,
    replace_file,
    small_network,
    small_tokenizer,
)
from small_model import HIDDEN

from preference.bundle.archive import pack
from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest
from preference.judge.judge import PreferenceJudge


@pytest.fixture
def folder(tmp_path):
    return write_bundle_with_features(tmp_path / "small")


def test_it_is_loaded_and_packed_with_its_normalisation(folder, tmp_path):
    assert set(contents(folder)) == BUNDLE_FILES | {FILE}
    assert set(read_manifest(folder).files) == set(contents(folder)) - {"bundle.json"}
    assert load_bundle(folder).normalization == NORMALIZATION
    pack({name: folder / name for name in contents(folder)}, tmp_path / "small.zip")
    assert load_bundle(tmp_path / "small.zip").normalization == NORMALIZATION


def test_a_judge_reads_the_features_and_swaps_with_the_answers(folder):
    """The long answers differ after the 40 tokens that the model reads, and begin alike."""
    judge, start = PreferenceJudge.load(folder), "soup bread garden " * 60
    battles = [
        {"prompt": ["rake"], "response_a": [first], "response_b": [second]}
        for first, second in ((start, start), (start, start * 9), (start * 9, start))
    ]
    equal, longer, shorter = judge.predict(battles)
    assert equal[0] == equal[1]
    assert np.array_equal(longer, shorter[[1, 0, 2]])
    assert abs(longer[0] - longer[1]) > 0.01


def test_a_changed_or_missing_file_is_named(folder):
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace("5.0", "6.0"))
    assert f"{FILE} is not the file that was saved" in refusal(folder)
    (folder / FILE).unlink()
    assert f"{FILE} is missing" in refusal(folder)
    edit_manifest(folder, lambda values: values["files"].pop(FILE))
    assert f"does not name {FILE}" in refusal(folder)


def change(old, new):
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (change("1.5", "-1.5"), "features.0.deviation: Input should be greater"),
        (change("5.0", "NaN"), "features.json is damaged"),
        (change("5.0", "1e999"), "features.0.mean: Input should be a finite number"),
        (change("5.0", '"5.0"'), "features.0.mean: Input should be a valid number"),
        (change('"mean": 5.0', '"mean": 5.0, "mean": 6.0'), "the key mean twice"),
        (change('"mean": 5.0,', ""), "features.0.mean: Field required"),
        (change('"mean": 5.0', '"x": 1, "mean": 5.0'), "features.0.x: Unexpected"),
        (change("answer: bullets", "answer: characters"), "it names a feature twice"),
        (change("answer: bullets", "answer: magic"), "'answer: magic', which this code does not"),
        (change("answer: bullets", "id"), "'id', which this code does not compute"),
        (lambda _: '{"features": []}', "features: List should have at least 1 item"),
        (lambda _: "[" * 100_000, "features.json is damaged"),
        (lambda text: " " * 2**21 + text, "features.json has 2,09"),
        (
            lambda text: json.dumps({"features": json.loads(text)["features"][:2]}),
            f"its head reads {HIDDEN + 3} numbers of a side, not {HIDDEN + 2}",
        ),
    ],
)
def test_a_tampered_normalisation_is_refused_in_one_line(folder, tamper, message):
    text = (folder / FILE).read_text()
    replace_file(folder, FILE, tamper(text))
    said = refusal(folder)
    assert message in said
    assert "\n" not in said


def test_a_head_and_features_that_do_not_belong_together_are_refused(folder, tmp_path):
    edit_manifest(folder, lambda values: values["parameters"]["model"].pop("features"))
    assert f"its head reads {HIDDEN + 3} numbers of a side, not {HIDDEN}" in refusal(folder)
    manifest = manifest_with(features=True)
    other = tmp_path / "other"
    bundle_of(small_network(), small_tokenizer(), manifest, other, NORMALIZATION)
    assert f"its head reads {HIDDEN} numbers of a side, not {HIDDEN + 3}" in refusal(other)


def test_a_vector_is_not_doubled_again_and_again(folder):
    config = json.loads((folder / "model.json").read_text())
    layers = config["config"]["layers"]
    (append,) = [layer for layer in layers if layer["class_name"] == "AppendFeatures"]
    layers.append(append)
    replace_file(folder, "model.json", json.dumps(config))
    assert "calls a layer more often than a model of ours does" in refusal(folder)
