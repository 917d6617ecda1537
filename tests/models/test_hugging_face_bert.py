"""BERT in Hugging Face format: keras-hub's backbone without segments, with the right GELU."""

import json
import shutil
from dataclasses import replace

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf
from repository import REPOSITORY
from small_model import model_params

from preference.models.preference_model import build_model, encoder_of
from preference.models.pretrained.backbones import load_backbone
from preference.models.saved_model import load_model, save_model
from preference.runtime.errors import BadInput

FIXTURES = REPOSITORY / "tests" / "fixtures" / "hugging_face"
BERT = FIXTURES / "bert"
EXPECTED = {
    "gelu": FIXTURES / "bert.npz",
    "gelu_pytorch_tanh": FIXTURES / "bert_gelu_pytorch_tanh.npz",
}
CONFIG = json.loads((BERT / "config.json").read_text())


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(BERT, tmp_path / "copy")


def load(folder=BERT):
    return load_backbone(str(folder), vocabulary_size=1)


def sides():
    """Return battles whose sides are rows of the fixture."""
    expected = np.load(FIXTURES / "bert.npz", allow_pickle=False)
    return {name: expected[name][[[0, 1], [2, 0]]] for name in ("token_ids", "padding_mask")}


def change_config(folder, **options):
    (folder / "config.json").write_text(json.dumps({**CONFIG, **options}))


@pytest.mark.parametrize("activation", ["gelu", "gelu_pytorch_tanh"])
def test_hidden_states_are_those_of_transformers(copy, activation):
    change_config(copy, hidden_act=activation)
    other = {"gelu": "gelu_pytorch_tanh", "gelu_pytorch_tanh": "gelu"}[activation]
    expected, of_other = (
        np.load(EXPECTED[name], allow_pickle=False) for name in (activation, other)
    )
    inputs = {key: expected[key] for key in ("token_ids", "padding_mask")}
    backbone = load(copy)
    assert (backbone.name, backbone.hidden_dim) == ("backbone", CONFIG["hidden_size"])
    hidden = np.asarray(backbone(inputs))[inputs["padding_mask"] == 1]
    assert expected["hidden"].std() > 0.5
    assert np.abs(hidden - expected["hidden"]).max() < 1e-4
    assert np.abs(hidden - of_other["hidden"]).max() > 2e-4


def test_every_weight_is_trained():
    names = {weight.path for weight in load().trainable_weights}
    assert names
    assert not [name for name in names if "pooled" in name]
    keras.utils.set_random_seed(3)
    model = build_model(load(), model_params())
    before = [weight.numpy() for weight in model.trainable_weights]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    model.fit(sides(), np.eye(3)[:2], verbose=0)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        # Only the first segment is read, and the bias of the keys cancels in the softmax.
        unused = "segment" in weight.path or weight.path.endswith("key/bias")
        assert unused or not np.array_equal(weight.numpy(), old), weight.path


def test_a_saved_model_does_not_need_the_folder(copy, tmp_path):
    model = build_model(load(copy), model_params())
    expected, encoded = np.asarray(model(sides())), encode(model)
    save_model(model, tmp_path / "saved")
    shutil.rmtree(copy)
    keras.backend.clear_session()
    loaded = load_model(tmp_path / "saved")
    assert np.array_equal(loaded(sides()), expected)
    assert np.array_equal(encode(loaded), encoded)


def encode(model):
    return np.asarray(encoder_of(model)({name: rows[:, 0] for name, rows in sides().items()}))


def test_the_encoder_reads_a_side_as_the_model_does():
    model = build_model(load(), model_params())
    pooled = keras.Model(model.input, model.get_layer("pooled").output)
    np.testing.assert_allclose(encode(model), np.asarray(pooled(sides()))[:, 0], atol=1e-5)


def test_mixed_precision_and_compilation():
    """With both, hidden states equal those of float32 up to the precision of bfloat16."""
    exact = encode(build_model(load(), model_params()))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(load(), model_params())
    finally:
        keras.config.set_dtype_policy("float32")
    compiled = tf.function(encoder_of(model), jit_compile=True)
    inputs = {name: tf.constant(rows[:, 0]) for name, rows in sides().items()}
    mixed = compiled(inputs)
    assert mixed.dtype == tf.bfloat16
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert 0 < np.abs(tf.cast(mixed, tf.float32) - exact).max() < 0.1


def test_a_preset_of_keras_hub_with_segments(tmp_path):
    stock = keras_nlp.models.BertBackbone.from_preset(str(BERT))
    stock.save_to_preset(str(tmp_path))
    inputs = {name: rows[:, 0] for name, rows in sides().items()}
    segments = np.zeros_like(inputs["token_ids"])
    expected = stock({**inputs, "segment_ids": segments})["sequence_output"]
    assert np.array_equal(load(tmp_path)(inputs), expected)


def test_more_tokens_than_positions_are_refused():
    params = model_params()
    longest = CONFIG["max_position_embeddings"]
    build_model(load(), replace(params, seq_len=longest))
    with pytest.raises(BadInput, match=rf"seq_len.* {longest + 1} .* {longest} positions"):
        build_model(load(), replace(params, seq_len=longest + 1))


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_act": "relu"},
        {"layer_norm_eps": 1e-5},
        {"position_embedding_type": "relative_key"},
        {"type_vocab_size": 3},
    ],
    ids=str,
)
def test_an_option_that_keras_hub_overlooks_is_named(copy, options):
    change_config(copy, **options)
    (option,) = options
    with pytest.raises(BadInput, match=rf"config\.json: {option} is .* implemented"):
        load(copy)


def test_the_message_says_how_to_convert_pytorch_weights(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"pytorch_model\.bin.*save_pretrained"):
        load(copy)


def test_an_unknown_model_type_is_refused(copy):
    change_config(copy, model_type="deberta")
    with pytest.raises(BadInput, match=r"cannot be loaded.*no converter.*deberta"):
        load(copy)
