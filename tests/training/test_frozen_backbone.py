"""A frozen backbone reads each battle once, and what is learned is what it would be otherwise."""

import re
from contextlib import chdir

import keras
import numpy as np
import pytest
from repository import REPOSITORY
from small_preset import save_preset

from preference.config.experiment import read_experiment
from preference.models.preference_model import backbone_of
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.training import run
from preference.training.dataset import LabelledBattles
from preference.training.run import fit_run, prepare_run, trained_part
from stages import configure, featurize, fetch, preprocess, split

EXPERIMENTS = {
    "with_features": {},
    "without": {"model": {"features": False}},
    "with_dropout": {"model": {"dropout": 0.1}},
    "with_layers": {"train": {"freeze": "embeddings"}},
}
EPOCHS = 3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frozen")
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"] = {"battles": 200, "length_scale": 0.05}
    params["model"] |= {"preset": "preset", "seq_len": 32, "dropout": 0.0}
    params["train"] |= {"epochs": EPOCHS, "tokens_per_batch": 1024, "freeze": 1, "patience": 9}
    params["experiments"] = EXPERIMENTS
    write_yaml(folder / "params.yaml", params)
    with chdir(folder):
        save_preset(["a small preset is quickly trained"] * 20)
        for stage in (configure, fetch, split, preprocess, featurize):
            stage.main()
    return folder


def trained(prepared, name):
    """Return a training run of the experiment, the weights after it, and its metrics."""
    keras.backend.clear_session()
    with chdir(prepared):
        training = prepare_run(read_experiment(name), seed=1)
        training.checkpoint.unlink(missing_ok=True)
        result = fit_run(training, None, checkpoint_minutes=15)
    return training, training.model.get_weights(), result


def count_reads(monkeypatch):
    """Return a list that grows whenever tokens are read for a training."""
    reads, read_sides = [], LabelledBattles.read_sides

    def read(self, positions):
        reads.append(len(positions))
        return read_sides(self, positions)

    monkeypatch.setattr(LabelledBattles, "read_sides", read)
    return reads


@pytest.mark.parametrize("name", ["with_features", "without"])
def test_the_vectors_are_computed_once_and_the_head_learns_the_same(
    prepared, name, monkeypatch, capfd
):
    reads = count_reads(monkeypatch)
    training, weights, result = trained(prepared, name)
    assert reads == []
    sides = 2 * len(training.train.rows)
    shown = capfd.readouterr().err
    assert re.search(rf"{name}, frozen layers: 100%.*{sides}/{sides}", shown)

    monkeypatch.setattr(run, "has_fixed_vectors", lambda model, dropout: False)
    _, other_weights, other_result = trained(prepared, name)
    assert sum(reads) >= EPOCHS * len(training.train.rows)
    assert result == pytest.approx(other_result, rel=1e-4)
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_the_head_has_learned_and_the_backbone_has_not(prepared):
    with chdir(prepared):
        before = prepare_run(read_experiment("without"), seed=1).model
    _, weights, _ = trained(prepared, "without")
    frozen = {id(weight) for weight in backbone_of(before).weights}
    for one, after in zip(before.weights, weights, strict=True):
        assert np.array_equal(one.numpy(), after) == (id(one) in frozen)


@pytest.mark.parametrize("name", ["with_dropout", "with_layers"])
def test_a_backbone_that_changes_is_read_in_every_epoch(prepared, name):
    with chdir(prepared):
        training = prepare_run(read_experiment(name), seed=1)
        model, battles, _ = trained_part(training)
    assert model is training.model
    assert battles is training.train


def test_several_devices_read_in_every_epoch(prepared):
    with chdir(prepared):
        training = prepare_run(read_experiment("without"), seed=1)
        model, _, _ = trained_part(training, on_one_device=False)
    assert model is training.model


@pytest.mark.parametrize(("name", "is_zero"), [("without", True), ("with_layers", False)])
def test_all_labels_are_equally_likely_before_a_head_alone_is_trained(prepared, name, is_zero):
    with chdir(prepared):
        training = prepare_run(read_experiment(name), seed=1)
        inputs, _ = training.train.batch(np.arange(8))
    logits = np.asarray(training.model(inputs))
    assert (np.abs(logits).max() == 0) == is_zero
