"""Presets: folders load as they were saved, and what cannot be loaded is told in one line."""

import json
import shutil

import keras_nlp
import numpy as np
import pytest
from hostile_objects import PLANTED, inside

from preference.models.pretrained.backbones import SMALL_CONFIGURATIONS, load_backbone
from preference.presets.own_presets import TRAINED_FROM_SCRATCH
from preference.runtime.errors import BadInput
from preference.tokenizers.tokenizer import fingerprint, load_preset_tokenizer, train_tokenizer

TEXTS = ["The soup simmers while the bread bakes.", "Who asks, and who answers?"] * 5
LOADERS = {
    "backbone": lambda preset: load_backbone(preset, vocabulary_size=10),
    "tokenizer": load_preset_tokenizer,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A stock backbone and a tokenizer, and the folder of a preset that holds both."""
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    tokenizer = train_tokenizer(TEXTS, 320)
    backbone = keras_nlp.models.DebertaV3Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        bucket_size=4,
    )
    backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return backbone, tokenizer, folder


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved[2], tmp_path / "copy")


def test_a_backbone_comes_back_with_its_weights(saved):
    backbone, _, folder = saved
    loaded = load_backbone(str(folder), vocabulary_size=10)
    assert loaded.vocabulary_size == backbone.vocabulary_size
    assert loaded.name == "backbone"
    inputs = {
        "token_ids": np.random.default_rng(0).integers(5, 260, size=(2, 9)),
        "padding_mask": np.array([[1] * 9, [1] * 5 + [0] * 4]),
    }
    # Our attention sums in another order than the stock one.
    np.testing.assert_allclose(loaded(inputs), backbone(inputs), atol=1e-5)


def test_a_tokenizer_comes_back_as_it_was(saved):
    _, tokenizer, folder = saved
    loaded = load_preset_tokenizer(str(folder))
    assert type(loaded) is type(tokenizer)
    assert loaded.proto == tokenizer.proto
    assert fingerprint(loaded) == fingerprint(tokenizer)
    texts = ["The bread bakes.", "汤 👩‍👧", ""]
    for text in texts:
        ids = [np.asarray(one([text])[0]).tolist() for one in (loaded, tokenizer)]
        assert ids[0] == ids[1]


def test_our_own_names_are_those_that_can_be_built():
    assert set(TRAINED_FROM_SCRATCH) == set(SMALL_CONFIGURATIONS)


def test_our_own_configurations_start_fresh():
    """No file or network is needed, and the size is that of the tokenizer."""
    for preset, size in SMALL_CONFIGURATIONS.items():
        backbone = load_backbone(preset, vocabulary_size=17)
        config = backbone.get_config()
        assert config["vocabulary_size"] == 17
        assert size.items() <= config.items()
        assert type(backbone).__module__ == "preference.models.deberta_v3.backbone"


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("preset", ["deberta_v4", "no/such/folder", "deberta_v3_tinyy", "."])
def test_an_unknown_preset_is_told_with_the_choices(load, preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        load(preset)
    message = str(caught.value)
    assert repr(preset) in message
    assert "model.preset" in message
    for choice in (*TRAINED_FROM_SCRATCH, "deberta_v3_extra_small_en", "folder"):
        assert choice in message


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_an_unknown_kind_of_address(load):
    with pytest.raises(BadInput, match=r"nowhere://deberta.*cannot be loaded"):
        load("nowhere://deberta")


def config_without_dimensions(folder):
    file = folder / "config.json"
    content = json.loads(file.read_text())
    del content["config"]["hidden_dim"]
    file.write_text(json.dumps(content))


def config_of_another_class(folder):
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["registered_name"] = content["class_name"] = "NoSuchBackbone"
    file.write_text(json.dumps(content))


def config_of_another_size(folder):
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["config"]["hidden_dim"] = 12
    file.write_text(json.dumps(content))


DAMAGED_BACKBONES = {
    "no weights": lambda folder: (folder / "model.weights.h5").unlink(),
    "weights cut short": lambda folder: (folder / "model.weights.h5").write_bytes(
        (folder / "model.weights.h5").read_bytes()[:1000]
    ),
    "weights of zeros": lambda folder: (folder / "model.weights.h5").write_bytes(bytes(5000)),
    "weights empty": lambda folder: (folder / "model.weights.h5").write_bytes(b""),
    "config is no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config is empty": lambda folder: (folder / "config.json").write_text("{}"),
    "config is a list": lambda folder: (folder / "config.json").write_text("[]"),
    "config of an unknown class": config_of_another_class,
    "config of another size": config_of_another_size,
    "config lacks an argument": config_without_dimensions,
}


@pytest.mark.parametrize("damage", DAMAGED_BACKBONES.values(), ids=DAMAGED_BACKBONES)
def test_a_damaged_backbone(copy, damage):
    damage(copy)
    with pytest.raises(BadInput, match=r"copy'.* cannot be loaded"):
        load_backbone(str(copy), vocabulary_size=10)


FILES = {"backbone": "config.json", "tokenizer": "tokenizer.json"}


@pytest.mark.parametrize("planted", [PLANTED[0], inside(PLANTED[0]), *PLANTED[-5:]])
@pytest.mark.parametrize("kind", LOADERS)
def test_a_class_that_may_hold_code_is_refused(copy, kind, planted):
    file = copy / FILES[kind]
    content = json.loads(file.read_text())
    content["config"]["planted"] = planted
    file.write_text(json.dumps(content))
    with pytest.raises(BadInput, match=rf"cannot be loaded: {file.name}: .*may hold code"):
        LOADERS[kind](str(copy))


def test_what_says_that_it_is_of_either_format_is_checked(copy):
    file = copy / "config.json"
    content = {**json.loads(file.read_text()), "model_type": "roberta"}
    content["config"]["planted"] = PLANTED[0]
    file.write_text(json.dumps(content))
    with pytest.raises(BadInput, match="may hold code"):
        LOADERS["backbone"](str(copy))


@pytest.mark.parametrize("name", ["task.json", "preprocessor.json", "modeling.py"])
def test_files_that_are_not_needed_are_not_read(copy, name):
    (copy / name).write_text("[" * 100_000)
    for load in LOADERS.values():
        load(str(copy))


SPM = "assets/tokenizer/vocabulary.spm"
DAMAGED_TOKENIZERS = {
    "no vocabulary": lambda folder: (folder / SPM).unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "tokenizer is no JSON": lambda folder: (folder / "tokenizer.json").write_text("{"),
    "vocabulary cut short": lambda folder: (folder / SPM).write_bytes(
        (folder / SPM).read_bytes()[:200]
    ),
    "vocabulary is text": lambda folder: (folder / SPM).write_text("not a model"),
    "tokenizer is empty": lambda folder: (folder / "tokenizer.json").write_text("{}"),
}


@pytest.mark.parametrize("damage", DAMAGED_TOKENIZERS.values(), ids=DAMAGED_TOKENIZERS)
def test_a_damaged_tokenizer(copy, damage):
    damage(copy)
    with pytest.raises(BadInput, match=r"copy'.* cannot be loaded"):
        load_preset_tokenizer(str(copy))
