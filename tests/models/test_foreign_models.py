"""A manipulated bundle with recomputed hashes is refused before it costs time or memory."""

import json
import os
import re
import resource
import shutil
import zipfile
from pathlib import Path

import h5py
import keras_nlp
import numpy as np
import pytest
from small_bundle import refusal, replace_file, write_bundle
from small_model import make_inputs, make_model

from preference.bundle.loading import load_bundle
from preference.models.pretrained.backbones import adapt_backbone, replace_dropout
from preference.models.saved_model import load_model, save_model

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
MIB, KIB_A_MIB = 2**20, 2**10


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_each_family_is_saved_and_loaded(tmp_path, family):
    kind = getattr(keras_nlp.models, family)
    backbone = kind(**SIZES, **FAMILIES[family], max_sequence_length=32, name="backbone")
    model = make_model("mlp", backbone=adapt_backbone(backbone))
    save_model(model, tmp_path)
    assert np.array_equal(load_model(tmp_path)(make_inputs()), model(make_inputs()))


@pytest.mark.parametrize("family", FAMILIES)
def test_another_dropout_keeps_the_weights(family):
    """Without dropout, two runs of training mode agree; with it, they do not."""
    kind = getattr(keras_nlp.models, family)
    sizes = {**SIZES, **FAMILIES[family], "max_sequence_length": 32}
    backbone = adapt_backbone(kind(**sizes, dropout=0.4, name="backbone"))
    changed = replace_dropout(backbone, 0.0)
    inputs = {name: values[:, 0] for name, values in make_inputs().items()}
    np.testing.assert_allclose(changed(inputs), backbone(inputs), atol=1e-6)
    first, second = (np.asarray(backbone(inputs, training=True)) for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_allclose(changed(inputs, training=True), changed(inputs), atol=1e-6)


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
    "NaN": (with_value(np.nan), "intermediate_dense/kernel holds NaN or infinity"),
    "infinite": (with_value(np.inf), "intermediate_dense/kernel holds NaN or infinity"),
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
    said = " ".join(refusal(folder).split())
    assert "model.weights.h5 does not fit model.json" in said
    assert re.search(message, said), said


def edit_config(folder, name, class_name, change):
    """Change the first object of a class, and the hash of the file that it stands in."""
    config = json.loads((folder / name).read_text())
    change(next(each for each in objects(config) if each.get("class_name") == class_name))
    replace_file(folder, name, json.dumps(config))


def objects(config):
    if isinstance(config, dict):
        yield config
        config = config.values()
    if not isinstance(config, str):
        for part in config if hasattr(config, "__iter__") else ():
            yield from objects(part)


def argument(**changes):
    return lambda each: each["config"].update(changes)


DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": None}
BAD_ARGUMENTS = [
    ("DebertaV3Backbone", argument(num_layers=100_000), "DebertaV3Backbone.num_layers: .* 64"),
    ("DebertaV3Backbone", argument(num_layers=64), "64 encoder layers, and has only 24 variables"),
    ("DebertaV3Backbone", argument(num_layers=True), "num_layers: .* valid integer"),
    ("DebertaV3Backbone", argument(hidden_dim=2**40), "hidden_dim: .* less than"),
    ("DebertaV3Backbone", argument(num_heads=0), "num_heads: .* greater than"),
    ("DebertaV3Backbone", argument(dropout=float("nan")), "NaN is not a JSON number"),
    ("DebertaV3Backbone", argument(dtype="int8"), "dtype: Input should be 'float32'"),
    ("DebertaV3Backbone", argument(name="../../x"), "name: String should match"),
    ("DebertaV3Backbone", argument(path="/etc/hostname"), "has no argument 'path'"),
    ("Dense", argument(activation="../evil"), "Dense.activation: Input should be"),
    ("Dense", argument(kernel_initializer=DENSE), "'Dense' where none of ours has it"),
    ("Dense", argument(lora_rank=8), "has no argument 'lora_rank'"),
    ("InputLayer", argument(batch_shape=[10**9, 2, None]), "the first dimension of a batch"),
    ("FoldSides", lambda each: each.update(inbound_nodes=each["inbound_nodes"] * 200), "layers"),
    ("FoldSides", lambda each: each.update(inbound_nodes=each["inbound_nodes"] * 2), "more often"),
    ("FoldSides", lambda each: each["inbound_nodes"][0]["kwargs"].update(x=1), "not 'x'"),
    ("Dense", lambda each: each.update(build_config={"shapes_dict": {}}), "build_config"),
    ("Functional", lambda each: each.update(module="os"), "'Functional' of 'os'.*may hold code"),
]


@pytest.mark.parametrize(("class_name", "change", "message"), BAD_ARGUMENTS)
def test_an_argument_that_no_model_of_ours_has_is_refused(folder, class_name, change, message):
    edit_config(folder, MODEL, class_name, change)
    assert re.search(message, refusal(folder)), refusal(folder)


def whisper(config):
    config["class_name"], config["registered_name"] = (
        "WhisperTokenizer",
        "keras_hub>WhisperTokenizer",
    )
    config["config"] = {"vocabulary": None, "merges": None, "special_tokens": "README.md"}


BAD_TOKENIZERS = [
    (whisper, "'WhisperTokenizer'.*may hold code"),
    (argument(proto="QUJD" * 1000), "proto: Input should be None"),
    (argument(config_file="../../x.json"), "config_file: Input should be 'tokenizer.json'"),
    (argument(sequence_length=10**9), "sequence_length: Input should be None"),
    (argument(add_bos=True), "add_bos: Input should be False"),
    (argument(dtype="string"), "dtype: Input should be 'int32'"),
]


@pytest.mark.parametrize(("change", "message"), BAD_TOKENIZERS)
def test_a_tokenizer_that_opens_a_path_or_gives_other_tokens_is_refused(folder, change, message):
    edit_config(folder, TOKENIZER, "DebertaV3Tokenizer", change)
    assert re.search(message, refusal(folder)), refusal(folder)


@pytest.mark.parametrize(
    ("class_name", "change"),
    [
        ("DebertaV3Backbone", argument(vocabulary_size=100_000_000)),
        ("DebertaV3Backbone", argument(intermediate_dim=10**8)),
        ("DebertaV3Backbone", argument(bucket_size=10**8)),
        ("Dense", argument(units=10**9)),
    ],
)
def test_memory_is_not_asked_for_before_the_weights_are_known_to_be_there(
    folder, class_name, change
):
    edit_config(folder, MODEL, class_name, change)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert re.search(r"would have [\d,]{11,} weights, and 3,027 are stored", refusal(folder))
    # Building another model must not allocate that memory either.
    make_model()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * KIB_A_MIB


def test_a_file_is_measured_before_it_is_read(folder):
    for name, message in {
        MODEL: "model.json has 3,221,225,472 bytes",
        VOCABULARY: "vocabulary.spm has 3,221,225,472 bytes",
        WEIGHTS: "it has 3,221,225,472 bytes, and its arrays 12,108",
    }.items():
        whole = (folder / name).read_bytes()
        os.truncate(folder / name, 3 * 2**30)
        assert message in refusal(folder)
        (folder / name).write_bytes(whole)
    load_bundle(folder)


def test_only_regular_files_are_opened(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "loop", Path("x" * 5000)):
        assert re.search("neither a folder nor|does not exist|cannot be read", refusal(path))
    for name in (MODEL, WEIGHTS, TOKENIZER, VOCABULARY):
        (folder / name).rename(tmp_path / "kept")
        os.mkfifo(folder / name)
        assert f"{name} is missing" in refusal(folder)
        (folder / name).unlink()
        (tmp_path / "kept").rename(folder / name)


def packed(folder, archive, more=()):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target.write(path, path.relative_to(folder).as_posix())
        for name, content in more:
            target.writestr(name, content)
    return archive


def test_an_archive_that_unpacks_to_far_more_than_it_has_is_refused(folder, tmp_path):
    (folder / WEIGHTS).write_bytes(bytes(80 * MIB))
    assert "unpacked it is larger" in refusal(packed(folder, tmp_path / "a.zip"))


def test_an_archive_with_an_endless_list_of_files_is_refused(folder, tmp_path):
    more = [(f"{number:0200}", "") for number in range(5000)]
    assert "more files than a bundle" in refusal(packed(folder, tmp_path / "a.zip", more))
