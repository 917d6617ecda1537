"""A bundle is whole, the same twice, and refused where it is damaged or of another origin."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hostile_objects import DENSE, PLANTED, inside
from repository import REPOSITORY
from small_bundle import (
    BUNDLE_FILES,
    PARAMETERS,
    bundle_of,
    contents,
    edit_manifest,
    refusal,
    replace_file,
    small_manifest,
    small_network,
    write_bundle,
)
from small_model import make_model

from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest, write_manifest
from preference.bundle.manifest_schema import MetricsOnTest
from preference.config.experiment import resolve_experiment, shown_parameters
from preference.config.params import load_params
from preference.models.pretrained.backbones import load_backbone
from preference.runtime.errors import BadInput
from preference.sequences.packing import Packing
from preference.statistics.cluster_bootstrap import Estimate
from preference.tokenizers.hugging_face import load_hugging_face_tokenizer
from preference.tokenizers.tokenizer import train_tokenizer

BERT = REPOSITORY / "tests/fixtures/hugging_face/bert"


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "models" / "small")


def test_a_bundle_is_these_files_and_the_same_bytes_twice(folder, tmp_path):
    first = contents(folder)
    assert set(first) == BUNDLE_FILES
    assert set(read_manifest(folder).files) == BUNDLE_FILES - {"bundle.json"}
    again = contents(write_bundle(tmp_path / "again"))
    assert again == first
    for name, content in first.items():
        assert str(tmp_path).encode() not in content, name
        assert str(REPOSITORY).encode() not in content, name


def test_what_is_loaded_is_what_was_saved(folder):
    bundle = load_bundle(folder)
    assert replace(bundle.manifest, files={}) == small_manifest()
    for loaded, saved in zip(bundle.model.weights, small_network().weights, strict=True):
        np.testing.assert_array_equal(loaded, saved)


@pytest.mark.parametrize("name", sorted(BUNDLE_FILES - {"bundle.json"}))
def test_a_damaged_or_missing_file_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"{name} is not the file that was saved" in refusal(folder)
    (folder / name).unlink()
    assert f"{name} is missing" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(format=2), "has format 2, and this code reads format 1"),
        (lambda values: values.pop("format"), "bundle.json is damaged"),
        (lambda values: values.pop("prior"), "bundle.json is damaged (prior"),
        (lambda values: values.update(prior=[0.5, 0.5]), "bundle.json is damaged (prior"),
        (
            lambda values: values.update(labels=["B", "A", "tie"]),
            "its labels are ['B', 'A', 'tie']",
        ),
        (lambda values: values["files"].pop("model.json"), "does not name model.json"),
        (lambda values: values["files"].update({"../evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"/evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"a\\..\\evil": "0" * 64}), "inside the bundle"),
        (lambda values: values["files"].update({"C:evil": "0" * 64}), "inside the bundle"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, change, message):
    edit_manifest(folder, change)
    assert message in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "bundle.json").write_bytes(content)
    assert "bundle.json is damaged" in refusal(folder)


def test_what_is_no_bundle_is_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "missing")
    assert "has no bundle.json" in refusal(tmp_path)
    (tmp_path / "file").write_text("text")
    assert "neither a folder nor a complete zip file" in refusal(tmp_path / "file")


@pytest.mark.parametrize("hide", [lambda planted: planted, inside], ids=["open", "nested"])
@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("name", ["model.json", "tokenizer/tokenizer.json"])
def test_a_class_that_no_model_of_ours_has_is_refused(folder, planted, hide, name):
    config = json.loads((folder / name).read_text())
    config["config"]["planted"] = [hide(planted)]
    replace_file(folder, name, json.dumps(config))
    message = refusal(folder)
    assert "may hold code" in message
    assert planted["class_name"] in message


def test_an_optimizer_is_not_built(folder):
    config = json.loads((folder / "model.json").read_text())
    optimizer = {"module": "keras.optimizers", "class_name": "Adam", "config": {}}
    config["compile_config"] = {"optimizer": optimizer}
    replace_file(folder, "model.json", json.dumps(config))
    assert "'Adam'" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.json", "{", "model.json cannot be read"),
        ("model.json", "[" * 100_000, "model.json cannot be read"),
        ("model.json", json.dumps(DENSE | {"config": {"units": 1}}), "describes no Model"),
        ("model.weights.h5", "no HDF5", "does not fit model.json"),
        ("tokenizer/assets/tokenizer/vocabulary.spm", "no model", "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_refused(folder, name, content, message):
    replace_file(folder, name, content)
    assert message in refusal(folder)


REFERENCES = {
    "ExternalLink": lambda group, name, _, other: group.__setitem__(
        name, h5py.ExternalLink(other, "/secret")
    ),
    "SoftLink": lambda group, name, *_: group.__setitem__(name, h5py.SoftLink("/secret")),
    "external Dataset": lambda group, name, old, other: group.create_dataset(
        name, old.shape, old.dtype, external=[(str(other), 0, old.nbytes)]
    ),
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_weights_that_stand_in_another_file_are_not_read(folder, tmp_path, kind):
    weights = folder / "model.weights.h5"
    with h5py.File(weights, "a") as file:
        names = []
        file.visit(lambda name: names.append(name) if hasattr(file[name], "shape") else None)
        old = file[names[0]][()]
        file["secret"] = old
        with h5py.File(tmp_path / "other", "w") as other:
            other["secret"] = old
        group, name = file[names[0]].parent, names[0].rpartition("/")[2]
        del group[name]
        REFERENCES[kind](group, name, old, tmp_path / "other")
    replace_file(folder, "model.weights.h5", weights.read_bytes())
    message = refusal(folder)
    assert "model.weights.h5 does not fit model.json" in message and kind in message


@pytest.mark.parametrize("proto", ["/etc/hostname", "../model.json", "gs://bucket/vocabulary.spm"])
def test_a_vocabulary_outside_the_bundle_is_not_read(folder, proto):
    config = json.loads((folder / "tokenizer/tokenizer.json").read_text())
    config["config"]["proto"] = proto
    replace_file(folder, "tokenizer/tokenizer.json", json.dumps(config))
    assert "DebertaV3Tokenizer.proto: Input should be None" in refusal(folder)


VOCABULARY = "tokenizer/assets/tokenizer/vocabulary.spm"


def test_a_file_that_the_manifest_does_not_name_is_not_read(folder):
    (folder / "notes.txt").write_text("of the user")
    load_bundle(folder)
    (folder / "tokenizer/assets/tokenizer/merges.txt").write_text("another vocabulary")
    assert "does not name tokenizer/assets/tokenizer/merges.txt. Remove it" in refusal(folder)


def test_a_vocabulary_that_the_manifest_does_not_name_is_not_read(folder, tmp_path):
    edit_manifest(folder, lambda values: values["files"].pop(VOCABULARY))
    assert f"does not name {VOCABULARY}" in refusal(folder)
    assets = (folder / "tokenizer/assets").rename(tmp_path / "elsewhere")
    (folder / "tokenizer/assets").symlink_to(assets)
    assert f"does not name {VOCABULARY}" in refusal(folder)


def test_a_vocabulary_that_is_larger_than_the_embedding_is_refused(folder, tmp_path):
    words = [f"{first}{second}ud{last}" for first in "bdfgk" for second in "aei" for last in "lmn"]
    larger = train_tokenizer([" ".join(words)] * 20, 400)
    larger.save_assets(str(tmp_path))
    replace_file(folder, VOCABULARY, (tmp_path / "vocabulary.spm").read_bytes())
    rows = small_network().get_layer("backbone").vocabulary_size
    message = f"tokenizer has {larger.vocabulary_size()} tokens and model.json {rows} embeddings"
    assert larger.vocabulary_size() > rows and message in refusal(folder)


def test_a_bundle_reads_no_more_tokens_than_its_model_has_positions(tmp_path):
    """BERT of the fixture has 64, and the manifest says both times that it reads more."""
    tokenizer = load_hugging_face_tokenizer(BERT)
    network = make_model(backbone=load_backbone(str(BERT), vocabulary_size=1))

    def reading(seq_len):
        sections = PARAMETERS | {"model": {"preset": "bert", "seq_len": seq_len}}
        manifest = small_manifest(
            packing=Packing(seq_len=seq_len, turns="all"), parameters=sections
        )
        return bundle_of(network, tokenizer, manifest, tmp_path / f"bert-{seq_len}")

    load_bundle(reading(64))
    assert "packing.seq_len is 65, and model.json has 64 positions" in refusal(reading(65))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"pool"', '"pull"', "No such layer: pool"),
        ('"head"', '"neck"', "No such layer: head"),
        ("preference>DebertaV3Backbone", "keras_hub>ResNetBackbone", "may hold code"),
    ],
)
def test_a_network_of_another_kind_is_refused(folder, old, new, message):
    text = (folder / "model.json").read_text()
    assert old in text
    replace_file(folder, "model.json", text.replace(old, new))
    assert message in refusal(folder)


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    estimates = small_manifest().calibration.in_order.metrics | {
        "log_loss": Estimate(1 / 3, -1e-17, 1e5)
    }
    tested = MetricsOnTest(battles=3, groups=2, trainings=1, both_orders=True, metrics=estimates)
    needed = ("README.md", "model.json", "model.weights.h5", "tokenizer/tokenizer.json")
    manifest = small_manifest(files=dict.fromkeys(needed, "0" * 64), test=tested)
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_a_presets_folder_on_this_machine_is_not_told(tmp_path):
    params = load_params(REPOSITORY / "params.yaml")
    for preset, told in {str(tmp_path / "mine"): "mine", "presets/mine": "presets/mine"}.items():
        changed = replace(params, model=replace(params.model, preset=preset))
        experiment = resolve_experiment(changed, "baseline")
        assert shown_parameters(experiment)["model"]["preset"] == told


def test_another_backend_is_told(folder, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(BadInput, match="set KERAS_BACKEND=tensorflow"):
        load_bundle(folder)
