"""A saved model gives the same logits when it is loaded, and its files hold no code."""

import filecmp
import json

import h5py
import keras
import keras_nlp
import numpy as np
import pytest
from small_model import HEADS, HIDDEN, VOCABULARY, make_inputs, make_model

from preference.models.preference_model import score_both_orders
from preference.models.saved_model import load_model, save_model


@pytest.mark.parametrize("pool", ["mean", "cls"])
@pytest.mark.parametrize("head", HEADS)
def test_a_saved_model_gives_the_same_logits(tmp_path, head, pool):
    model, inputs = make_model(head, pool), make_inputs()
    expected = np.asarray(model(inputs))
    save_model(model, tmp_path / "new" / "model")
    keras.utils.set_random_seed(99)
    loaded = load_model(tmp_path / "new" / "model")
    assert np.array_equal(loaded(inputs), expected)
    pooled = np.random.default_rng(0).normal(size=(5, 2, HIDDEN)).astype("float32")
    _, swapped = score_both_orders(loaded, pooled)
    assert np.array_equal(swapped, score_both_orders(model, pooled)[1])


def test_the_optimizer_of_a_training_is_not_saved(tmp_path):
    model, inputs = make_model("mlp"), make_inputs()
    model.compile(optimizer="adam", loss="mse")
    model.train_on_batch(inputs, np.zeros((len(inputs["token_ids"]), 3), dtype="float32"))
    save_model(model, tmp_path)
    saved = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(lambda _, item: saved.append(item) if hasattr(item, "size") else None)
    assert sum(item.size for item in saved) == sum(
        np.prod(weight.shape) for weight in model.weights
    )
    assert np.array_equal(load_model(tmp_path)(inputs), model(inputs))


def test_a_saved_model_with_a_stock_backbone(tmp_path):
    backbone = keras_nlp.models.DebertaV3Backbone(
        vocabulary_size=VOCABULARY,
        num_layers=1,
        num_heads=2,
        hidden_dim=HIDDEN,
        intermediate_dim=16,
        bucket_size=4,
        name="backbone",
    )
    model, inputs = make_model(backbone=backbone), make_inputs()
    save_model(model, tmp_path)
    assert np.array_equal(load_model(tmp_path)(inputs), model(inputs))


def class_names(config):
    if isinstance(config, dict):
        if "class_name" in config:
            yield config["class_name"], config.get("module")
        for value in config.values():
            yield from class_names(value)
    elif isinstance(config, list):
        for value in config:
            yield from class_names(value)


@pytest.mark.parametrize("head", ["mlp", "deep equivariant"])
def test_saved_files_hold_no_code(tmp_path, head):
    save_model(make_model(head), tmp_path)
    files = {file.name for file in tmp_path.iterdir()}
    assert files == {"model.json", "model.weights.h5"}
    names = set(class_names(json.loads((tmp_path / "model.json").read_text())))
    assert "DebertaV3Backbone" in {name for name, _ in names}
    assert not {name for name, _ in names} & {"Lambda", "function", "__lambda__"}
    for name, module in names:
        assert module is None or module.split(".")[0] in ("keras", "builtins", "preference"), name
    kinds = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(
            lambda _, item: (
                kinds.append(item.dtype.kind) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert set(kinds) == {"f"}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in {"first": 5, "again": 5, "other": 6}.items():
        # As in a new process: layers without a name are numbered, and the numbers are saved.
        keras.backend.clear_session()
        save_model(make_model("mlp", seed=seed), tmp_path / name)
    for file in ("model.weights.h5", "model.json"):
        assert filecmp.cmp(tmp_path / "first" / file, tmp_path / "again" / file, shallow=False)
    weights = [tmp_path / name / "model.weights.h5" for name in ("first", "other")]
    assert not filecmp.cmp(*weights, shallow=False)
