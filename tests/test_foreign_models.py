"""A bundle of another origin, its hashes recomputed, is refused before it costs time or memory."""

import json
import os
import resource
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import keras_nlp
import numpy as np
import pytest
from keras.src.backend.common import global_state
from small_bundle import refusal, replace_file, write_bundle
from small_model import make_model

from preference.backbones import adapt_backbone
from preference.bundle import load_bundle
from preference.saved_model import load_model, save_model

SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
FAMILIES = {
    "AlbertBackbone": {"vocabulary_size": 40, "embedding_dim": 4},
    "BertBackbone": {"vocabulary_size": 40},
    "DebertaV3Backbone": {"vocabulary_size": 40, "bucket_size": 4},
    "DistilBertBackbone": {"vocabulary_size": 40},
    "ElectraBackbone": {"vocab_size": 40, "embedding_dim": 4},
    "RobertaBackbone": {"vocabulary_size": 40},
    "XLMRobertaBackbone": {"vocabulary_size": 40},
}
MODEL, WEIGHTS, TOKENIZER = "model.json", "model.weights.h5", "tokenizer/tokenizer.json"
VOCABULARY = "tokenizer/assets/tokenizer/vocabulary.spm"
MIB = 2**20


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_each_family_comes_back_as_it_was(tmp_path, family):
    kind = getattr(keras_nlp.models, family)
    backbone = kind(**SIZES, **FAMILIES[family], max_sequence_length=32, name="backbone")
    model = make_model("mlp", backbone=adapt_backbone(backbone))
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert [weight.path for weight in loaded.weights] == [weight.path for weight in model.weights]
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def edit_weights(folder, edit):
    """Edit a copy of the weights, so that the file has no gap where an array was."""
    path = folder / "edited.weights.h5"
    shutil.copy(folder / WEIGHTS, path)
    with h5py.File(path, "a") as file:
        names = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        edit(file, next(name for name in names if file[name].shape == (8, 16)))
    replace_file(folder, WEIGHTS, path.read_bytes())


def put(values):
    def edit(file, name):
        array = file[name][...]
        del file[name]
        values(file, name, array)

    return edit


def with_value(value):
    def edit(file, name):
        file[name][2, 3] = value

    return edit


def never_written(file, name, _):
    space = h5py.h5s.create_simple((50_000, 50_000))
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_FLOAT, space)


def compressed(file, name, _):
    file.create_dataset(name, (50_000, 50_000), "f4", chunks=(5000, 5000), compression="gzip")


def virtual(file, name, array):
    layout = h5py.VirtualLayout(array.shape, array.dtype)
    layout[:] = h5py.VirtualSource("other.h5", "x", array.shape)
    file.create_virtual_dataset(name, layout)


BAD_WEIGHTS = {
    "NaN": (with_value(np.nan), r"backbone.*intermediate_dense/kernel holds NaN"),
    "infinite": (with_value(np.inf), r"intermediate_dense/kernel holds NaN or infinity"),
    "float64": (put(lambda f, n, a: f.create_dataset(n, data=a.astype("f8"))), "is float64"),
    "integers": (put(lambda f, n, a: f.create_dataset(n, data=a.astype("i4"))), "is int32"),
    "bytes in another order": (
        put(lambda f, n, a: f.create_dataset(n, data=a.astype(">f4"))),
        "is >f4",
    ),
    "missing": (put(lambda *_: None), "expected 2 variables, but received 1"),
    "additional": (
        lambda f, _: f.create_dataset("more/vars/0", data=np.zeros((3, 4), "f4")),
        "no variable for the array more/vars/0",
    ),
    "of another shape": (
        put(lambda f, n, a: f.create_dataset(n, data=a.T)),
        r"must match.*intermediate_dense/kernel",
    ),
    "never written": (put(never_written), r"is \(50000, 50000\), and has not stored as many"),
    "compressed": (put(compressed), r"is \(50000, 50000\), and has not stored as many"),
    "in another file": (put(virtual), "external Dataset"),
    "groups without end": (
        lambda f, _: [f.create_group(f"g/{number}") for number in range(10_001)],
        "more groups than a model",
    ),
    "groups in a circle": (lambda f, n: f[n].parent.__setitem__("all", f["/"]), "more groups"),
}


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_weights_that_are_not_those_of_the_model_are_refused(folder, kind):
    edit, message = BAD_WEIGHTS[kind]
    edit_weights(folder, edit)
    with pytest.raises(AssertionError, match="^$"):
        raise AssertionError
    said = refusal(folder)
    assert "model.weights.h5 does not fit model.json" in said
    import re

    assert re.search(message, " ".join(said.split())), said
