"""DeBERTa v3 in Hugging Face format: hidden states equal those of transformers.

tests/fixtures/make_hugging_face_fixtures.py made the models and the expected hidden states.
"""

import json
import pickle
import shutil

import keras_nlp
import numpy as np
import pytest
from hostile_objects import RunsCode
from repository import REPOSITORY
from safetensors.numpy import load_file, save_file

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.pretrained.backbones import load_backbone
from preference.models.pretrained.hf_deberta import assign_tensors, backbone_arguments
from preference.models.pretrained.safetensors_files import read_tensors
from preference.runtime.errors import BadInput

FIXTURES = REPOSITORY / "tests" / "fixtures" / "hugging_face"
EXPECTED = np.load(FIXTURES / "deberta.npz", allow_pickle=False)
CONFIG = json.loads((FIXTURES / "deberta/config.json").read_text())


def difference(backbone, expected=EXPECTED):
    """Return the largest difference of the hidden states of tokens, without padding."""
    inputs = {name: expected[name] for name in ("token_ids", "padding_mask")}
    hidden = np.asarray(backbone(inputs))[inputs["padding_mask"] == 1]
    return np.abs(hidden - expected["hidden"]).max()


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FIXTURES / "deberta", tmp_path / "copy")


@pytest.mark.parametrize("folder", ["deberta", "deberta_child"])
def test_hidden_states_are_those_of_transformers(folder):
    backbone = load_backbone(str(FIXTURES / folder), vocabulary_size=1)
    assert isinstance(backbone, DebertaV3Backbone)
    assert backbone.name == "backbone"
    assert difference(backbone) < 1e-4
    # The comparison needs short and long sequences, and hidden states that are not near zero.
    lengths = EXPECTED["padding_mask"].sum(axis=1)
    assert lengths.min() < CONFIG["position_buckets"] < CONFIG["max_position_embeddings"]
    assert lengths.max() > CONFIG["max_position_embeddings"]
    assert EXPECTED["hidden"].std() > 0.5


def test_keras_hubs_own_backbone_takes_the_tensors_too():
    arguments = backbone_arguments(CONFIG)
    stock = keras_nlp.models.DebertaV3Backbone(**arguments)
    assert assign_tensors(stock.weights, read_tensors(FIXTURES / "deberta")) == []
    assert difference(stock) < 1e-4


def test_every_weight_changes_hidden_states():
    """Otherwise the tolerance would hide a tensor in the wrong place."""
    backbone = load_backbone(str(FIXTURES / "deberta"), vocabulary_size=1)
    inputs = {name: EXPECTED[name][:, :8] for name in ("token_ids", "padding_mask")}
    before = np.asarray(backbone(inputs))
    for variable in backbone.weights:
        values = variable.numpy()
        variable.assign(values[::-1])
        changed = np.abs(np.asarray(backbone(inputs)) - before).max()
        variable.assign(values)
        # The first axis of a bias of heads is the head, and a key's bias drops out of a softmax
        # over contents; with positions it does not.
        assert changed > 1e-3, variable.path


def test_unused_tensors_are_reported_in_one_line(capfd):
    load_backbone(str(FIXTURES / "deberta_child"), vocabulary_size=1)
    lines = [line for line in capfd.readouterr().err.splitlines() if "not used" in line]
    assert len(lines) == 1
    for tensor in ("pooler.dense.weight", "classifier.bias"):
        assert tensor in lines[0]
    assert "encoder" not in lines[0]


def test_without_a_head_nothing_is_reported(capfd):
    load_backbone(str(FIXTURES / "deberta"), vocabulary_size=1)
    assert "not used" not in capfd.readouterr().err


def test_half_precision_weights_are_read(copy):
    file = copy / "model.safetensors"
    save_file({name: value.astype(np.float16) for name, value in load_file(file).items()}, file)
    backbone = load_backbone(str(copy), vocabulary_size=1)
    assert {weight.dtype for weight in backbone.weights} == {"float32"}
    # float16 keeps three digits of each weight.
    assert 1e-5 < difference(backbone) < 0.1


def test_a_missing_tensor_is_named(copy):
    file = copy / "model.safetensors"
    tensors = load_file(file)
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, file)
    with pytest.raises(BadInput, match=r"lack 1 tensors.*encoder\.layer\.1\.output\.dense\.weight"):
        load_backbone(str(copy), vocabulary_size=1)


@pytest.mark.parametrize(
    ("option", "tensor"),
    {
        "vocab_size": "embeddings.word_embeddings.weight",
        "position_buckets": "encoder.rel_embeddings.weight",
        "intermediate_size": "intermediate.dense",
    }.items(),
)
def test_a_tensor_of_another_shape_is_named(copy, option, tensor):
    config = {**CONFIG, option: CONFIG[option] + 2}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=rf"tensor .*{tensor}.* and config\.json says"):
        load_backbone(str(copy), vocabulary_size=1)


def test_a_missing_part_is_named(tmp_path):
    copy = shutil.copytree(FIXTURES / "deberta_child", tmp_path / "copy")
    parts = sorted(copy.glob("model-*.safetensors"))
    assert len(parts) > 1
    parts[1].unlink()
    with pytest.raises(BadInput, match=rf"{parts[1].name}, which is not there"):
        load_backbone(str(copy), vocabulary_size=1)


def test_a_folder_without_weights(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"holds no weights.*model\.safetensors.*pytorch_model\.bin"):
        load_backbone(str(copy), vocabulary_size=1)


def test_weights_cut_short(copy):
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"model.safetensors cannot be used: SafetensorError"):
        load_backbone(str(copy), vocabulary_size=1)


def test_a_pickle_is_not_read(copy, tmp_path):
    content = pickle.dumps({"weight": RunsCode(tmp_path / "ran")})
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(BadInput, match=r"pytorch_model\.bin are a pickle.*save_pretrained"):
        load_backbone(str(copy), vocabulary_size=1)
    assert not (tmp_path / "ran").exists()
    # The pickle, which this test made itself, would have run: so its refusal above means something.
    pickle.loads(content)
    assert (tmp_path / "ran").exists()


def test_code_beside_the_weights_is_not_run(copy, tmp_path):
    (copy / "modeling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    remote = {"AutoConfig": "modeling.Config", "AutoModel": "modeling.Model"}
    (copy / "config.json").write_text(json.dumps({**CONFIG, "auto_map": remote}))
    assert difference(load_backbone(str(copy), vocabulary_size=1)) < 1e-4
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("outside", ["../other/model.safetensors", "/model.safetensors"])
def test_a_part_outside_the_folder_is_refused(tmp_path, outside):
    copy = shutil.copytree(FIXTURES / "deberta_child", tmp_path / "copy")
    shutil.copytree(FIXTURES / "deberta", tmp_path / "other")
    index = json.loads((copy / "model.safetensors.index.json").read_text())
    index["weight_map"]["encoder.LayerNorm.bias"] = outside
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match="outside the folder"):
        load_backbone(str(copy), vocabulary_size=1)


OTHER_MODELS = {
    "position_biased_input": True,
    "share_att_key": False,
    "pos_att_type": "c2p",
    "conv_kernel_size": 3,
    "norm_rel_ebd": "none",
    "type_vocab_size": 2,
    "relative_attention": False,
    "hidden_act": "relu",
    "layer_norm_eps": 1e-5,
    "position_buckets": -1,
    "embedding_size": 8,
    "attention_head_size": 4,
    "attention_probs_dropout_prob": 0.3,
}


@pytest.mark.parametrize("option", OTHER_MODELS)
def test_an_option_that_is_not_deberta_v3s_is_named(copy, option):
    (copy / "config.json").write_text(json.dumps({**CONFIG, option: OTHER_MODELS[option]}))
    with pytest.raises(BadInput, match=rf"model\.preset: .*config\.json: .*{option}.* implemented"):
        load_backbone(str(copy), vocabulary_size=1)


def test_all_wrong_options_are_reported_at_once():
    with pytest.raises(BadInput) as caught:
        backbone_arguments({**CONFIG, **OTHER_MODELS})
    for option in OTHER_MODELS:
        assert option in str(caught.value)


@pytest.mark.parametrize("option", ["position_biased_input", "share_att_key", "norm_rel_ebd"])
def test_an_absent_option_has_the_default_of_transformers(option):
    config = {key: value for key, value in CONFIG.items() if key != option}
    with pytest.raises(BadInput, match=option):
        backbone_arguments(config)


def test_the_config_of_deberta_v3_small():
    """As in its repository, with the strings and defaults of its time."""
    config = {
        "model_type": "deberta-v2",
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 768,
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": "p2c|c2p",
        "layer_norm_eps": 1e-7,
        "max_relative_positions": -1,
        "position_biased_input": False,
        "num_attention_heads": 12,
        "num_hidden_layers": 6,
        "type_vocab_size": 0,
        "vocab_size": 128100,
    }
    expected = keras_nlp.models.DebertaV3Backbone.presets["deberta_v3_small_en"]["metadata"]
    arguments = backbone_arguments(config)
    assert expected["params"] == parameters_of(arguments)
    assert (arguments["max_sequence_length"], arguments["bucket_size"]) == (512, 256)


def parameters_of(arguments):
    """Count the parameters of DeBERTa v3 by hand."""
    hidden, inner = arguments["hidden_dim"], arguments["intermediate_dim"]
    embeddings = (arguments["vocabulary_size"] + 2 * arguments["bucket_size"] + 4) * hidden
    dense = 4 * hidden * (hidden + 1) + inner * (hidden + 1) + hidden * (inner + 1)
    return embeddings + arguments["num_layers"] * (dense + 4 * hidden)
