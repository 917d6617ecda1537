"""A training starts from the network of a bundle, and reads with the bundle's tokenizer."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pytest
from repository import REPOSITORY
from small_bundle import (
    PARAMETERS,
    bundle_of,
    edit_manifest,
    small_manifest,
    small_network,
    write_bundle,
)
from small_model import make_backbone, make_model, model_params

from preference.bundle.archive import pack
from preference.bundle.model_card import render_card
from preference.config.experiment import read_experiment
from preference.models import precision
from preference.models.initial_network import INITIAL_NETWORKS, InitialNetwork, read_initial
from preference.models.preference_model import backbone_of, build_model
from preference.models.pretrained.backbones import load_backbone
from preference.models.saved_model import load_model
from preference.models.training_record import read_record, run_folder
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file, hash_files
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.tokenizers.tokenizer import load_preset_tokenizer
from preference.training.frozen_layers import freeze_layers
from preference.training.initial_weights import Start
from preference.training.run import prepare_run
from stages import configure, fetch, initialize, preprocess, split, train

FOLDER, ZIP = "data/initial/small", "data/initial/small.zip"
SEED = 2024
BERT = str(REPOSITORY / "tests/fixtures/hugging_face/bert")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with battles, splits and a bundle, whose experiment starts from the bundle."""
    folder = tmp_path_factory.mktemp("initial")
    with chdir(folder):
        params = read_yaml(REPOSITORY / "params.yaml")
        params["data"]["simulated"]["battles"] = 150
        # Next to nothing is learned: the step of a weight is smaller than its last digit.
        params["train"] |= {"seeds": [], "epochs": 1, "learning_rate": 1e-30, "initial": FOLDER}
        params["model"] |= {"seq_len": 40, "head": "concat", "features": False}
        params["experiments"] = {"baseline": {}}
        params["evaluation"]["blend"] = []
        write_yaml(Path("params.yaml"), params)
        write_bundle(Path(FOLDER))
        fetch.main()
        split.main()
        read_again()
    return folder


@pytest.fixture
def copied(data, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(data, tmp_path / "copy"))


def set_params(section, **changes):
    params = read_yaml(Path("params.yaml"))
    params[section] |= changes
    write_yaml(Path("params.yaml"), params)


def read_again():
    configure.main()
    initialize.main()
    preprocess.main()


def prepared():
    """Return the training run with its initial weights."""
    return prepare_run(read_experiment("baseline"), SEED)


def assert_same_weights(found, expected):
    for ours, theirs in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_with_next_to_no_learning_rate_it_predicts_as_the_bundle_does(copied, capfd):
    train.main("baseline")
    assert "baseline starts from data/initial/small/bundle.json: backbone and head" in (
        capfd.readouterr().err
    )
    trained = load_model(run_folder("baseline", SEED))
    random = np.random.default_rng(1)
    ids = random.integers(5, 250, size=(20, 2, 30)).astype(np.int32)
    inputs = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    expected = small_network().predict(inputs, verbose=0)
    assert np.ptp(expected, axis=0).min() > 0.1
    np.testing.assert_array_equal(trained.predict(inputs, verbose=0), expected)
    record, manifest = read_record("baseline", SEED), Path(FOLDER, "bundle.json")
    assert record.data[str(manifest)] == hash_file(manifest)
    # Its own bundle takes the tokenizer from there.
    for name in ("tokenizer.json", "assets/tokenizer/vocabulary.spm"):
        found, given = Path("data/tokens", record.tokens, name), Path(FOLDER, "tokenizer", name)
        assert found.read_bytes() == given.read_bytes()
    parameters = {**record.parameters, "text": {"turns": "all"}}
    card = render_card(small_manifest(parameters=parameters, data=record.data))
    assert f"| {manifest} | {hash_file(manifest)} |" in card
    assert f"started from the network of another bundle, {FOLDER}, whose" in card
    assert "from scratch" not in card


def test_what_the_bundle_does_not_name_is_not_taken(copied):
    before = sorted(path.name for path in Path("data/initial_tokenizers/small").rglob("*"))
    Path(FOLDER, "tokenizer", "notes.txt").write_text("mine")
    Path(FOLDER, "tokenizer", "all").symlink_to(Path("data/split").absolute())
    initialize.main()
    after = sorted(path.name for path in Path("data/initial_tokenizers/small").rglob("*"))
    assert after == before


@pytest.mark.parametrize("fold", ["x", 0, True])
def test_a_fold_that_is_none_is_refused_in_one_line(copied, fold):
    edit_manifest(Path(FOLDER), lambda values: values["parameters"].update(split={"fold": fold}))
    with pytest.raises(BadInput, match=r"bundle.json is damaged .fold: Input should be.*") as error:
        initialize.main()
    assert "\n" not in str(error.value)


def test_a_zip_file_is_the_same_start(copied):
    files = {path.relative_to(FOLDER).as_posix(): path for path in Path(FOLDER).rglob("*.*")}
    pack({name: path for name, path in files.items() if path.is_file()}, Path(ZIP))
    shutil.rmtree(FOLDER)
    set_params("train", initial=ZIP)
    read_again()
    run = prepared()
    assert_same_weights(run.model, small_network())
    assert run.data[ZIP] == hash_file(Path(ZIP))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pool": "cls"}, "its pool is MaskedMean, and model.pool makes FirstToken"),
        (
            {"head": "equivariant"},
            r"its weights have the shapes \[\(16, 3\), \(3,\)\], and those of",
        ),
    ],
)
def test_a_head_of_another_kind_starts_anew(copied, changes, why):
    set_params("model", **changes)
    configure.main()
    run = prepared()
    assert_same_weights(backbone_of(run.model), backbone_of(small_network()))
    with pytest.raises(AssertionError):
        assert_same_weights(run.model, small_network())
    assert re.search(f"{FOLDER}/bundle.json: backbone, but not head, because {why}", run.start)


def test_a_head_that_reads_features_starts_anew():
    """Their scale is that of the battles on which it was trained."""
    networks = [build_model(make_backbone(), model_params(), features=3) for _ in range(2)]
    source = InitialNetwork(file="first.zip", sha256="0" * 64, data={}, fold=None)
    start = Start(source, networks[0], backbone_of(networks[0]))
    before = networks[1].get_layer("head").get_weights()
    assert "but not head, because its features are normalised" in start.give_head(networks[1])
    np.testing.assert_array_equal(networks[1].get_layer("head").get_weights()[0], before[0])


@pytest.mark.parametrize("name", ["mixed_bfloat16", "auto"])
def test_precision_and_dropout_are_those_of_the_new_training(copied, monkeypatch, name):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    set_params("train", precision=name)
    set_params("model", dropout=0.25)
    configure.main()
    try:
        run = prepared()
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same_weights(run.model, small_network())
    backbone = backbone_of(run.model)
    assert backbone.dropout == 0.25
    assert backbone.compute_dtype == "bfloat16"
    assert {layer.compute_dtype for layer in backbone.transformer_layers} == {"bfloat16"}


def test_bert_is_taken_in_another_precision_and_its_frozen_layers_learn(copied):
    bert = load_backbone(BERT, vocabulary_size=1)
    freeze_layers(bert, 1)
    network = make_model("concat", backbone=bert)
    shutil.rmtree(FOLDER)
    tokenizer = load_preset_tokenizer(BERT)
    bundle_of(network, tokenizer, small_manifest(parameters=PARAMETERS), Path(FOLDER))
    set_params("train", precision="mixed_bfloat16")
    read_again()
    try:
        run = prepared()
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same_weights(run.model, network)
    backbone = backbone_of(run.model)
    assert len(backbone.trainable_variables) == len(backbone.weights)
    assert all(one.trainable for one in backbone.weights)
    encoder = [layer for layer in backbone.encoder.layers if layer.weights]
    assert {layer.compute_dtype for layer in encoder} == {"bfloat16"}


def test_what_cannot_be_a_start_is_refused_in_one_line(copied):
    def refused(stage=initialize):
        with pytest.raises(BadInput) as error:
            stage.main()
        assert "\n" not in str(error.value)
        return str(error.value)

    set_params("model", preset="deberta_v3_mini")
    configure.main()
    assert refused() == (
        f"params.yaml, train.initial of baseline: {FOLDER} cannot be the start of a training: its "
        "network is of the preset 'deberta_v3_tiny', and model.preset is 'deberta_v3_mini'. Write "
        "model.preset: deberta_v3_tiny; the network and the tokenizer are then taken from the "
        "bundle."
    )
    set_params("model", preset="deberta_v3_tiny")
    configure.main()
    Path(FOLDER, "model.json").write_text("{}")
    assert "model.json is not the file that was saved" in refused()
    Path(FOLDER, "bundle.json").unlink()
    assert "it has no bundle.json" in refused()
    # Nothing is lost of what was there.
    assert read_initial(INITIAL_NETWORKS / "baseline").file == f"{FOLDER}/bundle.json"
    shutil.rmtree(FOLDER)
    assert f"there is no {FOLDER}. Copy the bundle there" in refused(configure)
    set_params("train", initial="models/exp2")
    assert "train.initial: the file is not in data/initial, where DVC" in refused(configure)


def test_a_network_that_may_know_battles_of_test_is_refused(copied):
    files = ["data/battles.parquet", "data/split/train.parquet", "data/split/valid.parquet"]

    def start(**changed):
        hashes = hash_files([*map(Path, files)])
        shutil.rmtree(FOLDER)
        write_bundle(Path(FOLDER), data=hashes | changed)
        initialize.main()
        return prepared().start

    assert start().endswith("backbone and head")
    # Other battles, but also others of the split.
    assert start(**dict.fromkeys(files, "1" * 64)).endswith("backbone and head")
    with pytest.raises(BadInput, match="was trained on these battles, but divided otherwise"):
        start(**{files[1]: "1" * 64})


def test_an_experiment_without_one_depends_on_none(copied):
    before = Path(INITIAL_NETWORKS, "baseline", "initial.json").read_text()
    set_params("train", initial=None)
    read_again()
    after = Path(INITIAL_NETWORKS, "baseline")
    assert [path.name for path in after.iterdir()] == ["initial.json"]
    assert json.loads((after / "initial.json").read_text()) is None
    assert json.loads(before)["sha256"] == hash_file(Path(FOLDER, "bundle.json"))
    assert "deberta_v3_tiny" in json.loads(Path("data/tokens/index.json").read_text())
    assert prepared().start is None
