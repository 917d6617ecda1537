"""Presets of another origin are refused before they cost memory; those of our families load."""

import json
import os
import re
import shutil

import keras_nlp
import numpy as np
import pytest
from repository import REPOSITORY
from safetensors.numpy import load_file, save_file

from preference.models.pretrained.backbones import load_backbone
from preference.models.pretrained.hf_conversion import CONVERTERS
from preference.runtime.errors import BadInput
from preference.tokenizers.tokenizer import load_preset_tokenizer
from preference.tokenizers.tokenizer_definition import check_definition

FIXTURES = REPOSITORY / "tests" / "fixtures" / "hugging_face"
SMALL = {
    "vocab_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "hidden_size": 8,
    "intermediate_size": 16,
    "max_position_embeddings": 34,
    "hidden_dropout_prob": 0.1,
}
CONFIGS = {
    "roberta": SMALL,
    "xlm-roberta": SMALL,
    "distilbert": {
        "vocab_size": 40,
        "n_layers": 2,
        "n_heads": 2,
        "dim": 8,
        "hidden_dim": 16,
        "dropout": 0.1,
        "max_position_embeddings": 34,
    },
}


class RandomTensors:
    """Stands where keras-hub's converters read tensors; makes those that they ask for."""

    def __init__(self):
        self.random, self.tensors = np.random.default_rng(0), {}

    def get_tensor(self, name):
        if "gamma" in name:
            raise KeyError(name)
        return self.tensors.setdefault(name, self.random.normal(size=(2, 8)).astype("float32"))

    def port_weight(self, keras_variable, hf_weight_key, hook_fn=None):
        shape = tuple(keras_variable.shape)
        if keras_variable.path.endswith("kernel"):
            first = 8 if "attention" in hf_weight_key else shape[0]
            shape = (keras_variable.value.numpy().size // first, first)
        elif keras_variable.path.endswith("bias"):
            shape = (keras_variable.value.numpy().size,)
        elif "position_embeddings" in hf_weight_key:
            shape = (34, 8)
        self.tensors[hf_weight_key] = self.random.normal(size=shape).astype("float32")


def hugging_face_folder(folder, model_type):
    """A model of random weights, with the tensors that keras-hub looks for."""
    config = {**CONFIGS[model_type], "model_type": model_type}
    converter, tensors = CONVERTERS[model_type], RandomTensors()
    backbone = converter.backbone_cls(**converter.convert_backbone_config(config))
    converter.convert_weights(backbone, tensors, config)
    folder.mkdir()
    save_file(tensors.tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("model_type", CONFIGS)
def test_what_keras_hub_converts_is_what_it_converts_by_itself(tmp_path, model_type):
    folder = hugging_face_folder(tmp_path / "preset", model_type)
    expected = keras_nlp.models.Backbone.from_preset(str(folder))
    loaded = load_backbone(str(folder), vocabulary_size=1)
    assert type(loaded) is type(expected)
    for ours, theirs in zip(loaded.get_weights(), expected.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
        assert ours.std() > 0


def refusal(folder, load=load_backbone, **arguments):
    with pytest.raises(BadInput) as caught:
        load(str(folder), **arguments)
    return " ".join(str(caught.value).split())


def backbone_refusal(folder):
    return refusal(folder, vocabulary_size=1)


@pytest.fixture(params=["deberta", "bert"])
def copy(request, tmp_path):
    return shutil.copytree(FIXTURES / request.param, tmp_path / "copy")


def change_config(folder, **options):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **options}))


def change_tensor(folder, change):
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("layer.0.output.dense.weight"))
    tensors[name] = change(tensors[name])
    save_file(tensors, file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_hidden_layers": 100_000}, "num_layers: .* 64"),
        ({"num_hidden_layers": 64}, "64 encoder layers, and has only"),
        ({"num_hidden_layers": 1}, "encoder.layer.1.*, and 1 encoder layers"),
        ({"num_hidden_layers": "2"}, "num_layers: .* valid integer"),
        ({"vocab_size": 100_000_000}, r"would have [\d,]{12,} weights"),
        ({"intermediate_size": 10**8}, r"would have [\d,]{12,} weights"),
        ({"intermediate_size": 10**11}, "intermediate_dim: .* less than"),
    ],
    ids=str,
)
def test_a_size_that_the_weights_do_not_have_is_refused(copy, options, message):
    change_config(copy, **options)
    assert re.search(message, backbone_refusal(copy)), backbone_refusal(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values * np.nan, "dense/kernel holds NaN or infinity"),
        (lambda values: values.astype("f8") * 1e300, "dense/kernel holds NaN or infinity"),
        (lambda values: values.astype("i4"), "output.dense.weight is I32"),
    ],
)
def test_a_tensor_that_is_no_finite_number_is_refused(copy, change, message):
    change_tensor(copy, change)
    with np.errstate(over="ignore"):
        assert re.search(message, backbone_refusal(copy))


def test_projections_of_another_shape_with_as_many_numbers_are_refused(tmp_path):
    copy = shutil.copytree(FIXTURES / "bert", tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    name = "encoder.layer.0.attention.self.query.weight"
    tensors[name] = tensors[name].reshape(4, -1)
    save_file(tensors, copy / "model.safetensors")
    assert re.search(r"query.weight is \(4, 64\), and config.json says", backbone_refusal(copy))


def test_a_header_without_end_is_refused(copy):
    (copy / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    assert "header has 1,152,921,504,606,846,976 bytes" in backbone_refusal(copy)


def test_weights_and_an_index_of_others_are_refused(copy):
    (copy / "model.safetensors.index.json").write_text('{"weight_map": {"x": "../x.safetensors"}}')
    assert "has both model.safetensors and" in backbone_refusal(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer_config.json"])
def test_a_pipe_or_a_huge_file_in_a_preset_is_refused(copy, name):
    load = load_preset_tokenizer if name.startswith("tokenizer") else load_backbone
    arguments = {} if name.startswith("tokenizer") else {"vocabulary_size": 1}
    if name != "model.safetensors" and (copy / "vocab.txt").exists():
        os.truncate(copy / name, 3 * 2**30)
        assert f"{name} has 3,221,225,472 bytes" in refusal(copy, load, **arguments)
    (copy / name).unlink()
    os.mkfifo(copy / name)
    if name == "tokenizer_config.json" and not (copy / "vocab.txt").exists():
        return
    assert re.search("is not a regular file|no preset|no weights", refusal(copy, load, **arguments))


def test_a_vocabulary_of_gigabytes_is_refused(copy):
    name = "tokenizer.json" if (copy / "tokenizer.json").exists() else "vocab.txt"
    os.truncate(copy / name, 2**30)
    assert f"{name} has 1,073,741,824 bytes" in refusal(copy, load_preset_tokenizer)


def replacing(pattern, content=" "):
    return {"normalizer": {"type": "Replace", "pattern": pattern, "content": content}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replacing({"Regex": "(a+)+b"}), "may take forever"),
        (replacing({"Regex": "a*a*a*b"}), "may take forever"),
        (replacing({"String": "a"}, "a" * 1000), "by longer ones"),
        (replacing({"String": ""}), "not given"),
        ({"normalizer": {"type": "Prepend", "prepend": "x" * 10**6}}, "'Prepend' is not one of"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x"}}}, "'Split' is not one of"),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": "x"}}, "cannot be read"),
        ({"model": {"type": "BPE", "dropout": 0.5}}, "other tokens each time"),
        ({"model": {"type": "WordLevel"}}, "no model of the types"),
        ({"model": {"type": "WordPiece", "max_input_chars_per_word": 10**9}}, "chars_per_word"),
        (
            {"model": {"type": "WordPiece", "continuing_subword_prefix": "#" * 101}},
            "100 characters",
        ),
    ],
    ids=str,
)
def test_a_step_that_may_take_forever_is_refused(change, message):
    definition = json.loads((FIXTURES / "deberta/tokenizer.json").read_text())
    check_definition(definition)
    with pytest.raises(BadInput, match=message):
        check_definition({**definition, **change})


@pytest.fixture
def keras_preset(tmp_path):
    backbone = keras_nlp.models.DebertaV3Backbone(
        vocabulary_size=40,
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        bucket_size=4,
    )
    backbone.save_to_preset(str(tmp_path / "preset"))
    return tmp_path / "preset"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_layers": 1}, "no variable for the array"),
        ({"num_layers": 3}, "3 encoder layers, and has only"),
        ({"vocabulary_size": 100_000_000}, r"would have [\d,]{11,} weights"),
        ({"path": "/etc/hostname"}, "has no argument 'path'"),
    ],
    ids=str,
)
def test_a_keras_preset_is_what_its_weights_are(keras_preset, arguments, message):
    config = json.loads((keras_preset / "config.json").read_text())
    config["config"] |= arguments
    (keras_preset / "config.json").write_text(json.dumps(config))
    assert re.search(message, backbone_refusal(keras_preset))


def test_a_family_that_is_not_ours_is_refused(tmp_path):
    keras_nlp.models.FNetBackbone(40, 1, 8, 16).save_to_preset(str(tmp_path / "preset"))
    assert "'FNetBackbone'" in backbone_refusal(tmp_path / "preset")


def test_a_model_of_kaggle_is_read_as_a_folder_is(keras_preset, monkeypatch):
    asked = []

    def download(handle, name):
        asked.append((handle, name))
        return str(keras_preset / name)

    monkeypatch.setattr("kagglehub.model_download", download)
    expected = load_backbone(str(keras_preset), vocabulary_size=1).get_weights()
    registered = keras_nlp.models.Backbone.presets["deberta_v3_extra_small_en"]["kaggle_handle"]
    for preset in ("kaggle://keras/deberta/keras/tiny", "deberta_v3_extra_small_en"):
        loaded = load_backbone(preset, vocabulary_size=1).get_weights()
        assert all(map(np.array_equal, loaded, expected))
    handles = ["keras/deberta/keras/tiny", registered.removeprefix("kaggle://")]
    names = ["config.json", "model.weights.h5"]
    assert asked == [(handle, name) for handle in handles for name in names]


def test_half_precision_and_what_older_versions_noted_are_read(keras_preset):
    backbone = keras_nlp.models.Backbone.from_preset(str(keras_preset), dtype="bfloat16")
    backbone.save_weights(str(keras_preset / "model.weights.h5"))
    config = json.loads((keras_preset / "config.json").read_text())
    config |= {"assets": [], "weights": "model.weights.h5"}
    config |= {"registered_name": "keras_nlp>DebertaV3Backbone"}
    (keras_preset / "config.json").write_text(json.dumps(config))
    loaded = load_backbone(str(keras_preset), vocabulary_size=1)
    assert {weight.dtype for weight in loaded.weights} == {"float32"}
    for ours, theirs in zip(loaded.get_weights(), backbone.get_weights(), strict=True):
        assert np.array_equal(ours, theirs.astype("float32"))
