"""A bundle of a tiny random model with a tokenizer of its own, and battles for it."""

import functools
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import pytest
from small_model import HIDDEN, make_model
from training_metrics import METRICS

from preference.bundle import saving
from preference.bundle.loading import load_bundle
from preference.bundle.manifest import read_manifest, write_manifest
from preference.bundle.manifest_schema import Manifest
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.model_files import NORMALIZATION
from preference.models.saved_model import save_model
from preference.models.training_record import TrainingMetrics
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file, library_versions
from preference.sequences.feature_normalization import write_normalization
from preference.sequences.packing import Packing
from preference.statistics.calibration import Calibrated, Calibration
from preference.statistics.cluster_bootstrap import Estimate
from preference.tokenizers.tokenizer import train_tokenizer

WORDS = ["soup", "bread", "garden", "rake", "whale", "tide", "oven", "onion", "seven", "eight"]
PRIOR = [0.5, 0.3, 0.2]
IN_ORDER, BOTH_ORDERS = 1.7, 0.6
PACKING = Packing(seq_len=40, turns="all")
PARAMETERS = {
    "text": {"turns": PACKING.turns},
    "model": {"preset": "deberta_v3_tiny", "seq_len": PACKING.seq_len},
}
BUNDLE_FILES = {
    "README.md",
    "bundle.json",
    "model.json",
    "model.weights.h5",
    "tokenizer/assets/tokenizer/vocabulary.spm",
    "tokenizer/tokenizer.json",
}


@functools.cache
def small_tokenizer():
    return train_tokenizer([" ".join(WORDS)] * 20, 300)


@functools.cache
def small_network():
    """One model for all tests: it is random, so that every battle has its own probabilities."""
    keras.backend.clear_session()
    # The backbone is built before `make_model` sets the seed.
    keras.utils.set_random_seed(3)
    backbone = DebertaV3Backbone(
        vocabulary_size=small_tokenizer().vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=HIDDEN,
        intermediate_dim=16,
        bucket_size=4,
        initializer_range=0.9,
        name="backbone",
    )
    return make_model("concat", backbone=backbone)


def small_manifest(**changes):
    metrics = {
        name: Estimate(0.5, 0.4, 0.6) for name in ("log_loss", "accuracy", "f1_macro", "flip_rate")
    }
    return Manifest(
        **{
            "format": 1,
            "name": "small",
            "seed": 3,
            "labels": ["A", "B", "tie"],
            "simulated": True,
            "packing": PACKING,
            "tokens": "abc",
            "prior": PRIOR,
            "calibration": Calibration(
                battles=10,
                groups=9,
                in_order=Calibrated(temperature=IN_ORDER, metrics=metrics),
                both_orders=Calibrated(temperature=BOTH_ORDERS, metrics=metrics),
            ),
            "training": TrainingMetrics(**METRICS),
            "parameters": PARAMETERS,
            "data": {"data/battles.parquet": "0" * 64},
            "versions": library_versions("tensorflow"),
            "files": {},
            "test": None,
        }
        | changes
    )


def write_bundle(folder, **changes):
    return bundle_of(small_network(), small_tokenizer(), small_manifest(**changes), folder)


def bundle_of(network, tokenizer, manifest, folder, normalization=None):
    """Write a bundle of a model that no stage has trained, as `stages.bundle` writes one."""
    with TemporaryDirectory() as scratch:
        model, tokens = Path(scratch, "model"), Path(scratch, "tokens")
        save_model(network, model)
        if normalization:
            write_normalization(normalization, model / NORMALIZATION)
        tokenizer.save_to_preset(str(tokens))
        saving.write_bundle(model, tokens, manifest, folder)
    return folder


def replace_file(folder, name, content):
    """Put another file into a bundle, as someone does who knows what its hashes are for."""
    content = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(content)
    manifest = read_manifest(folder)
    hashes = {**manifest.files, name: hash_file(folder / name)}
    write_manifest(replace(manifest, files=hashes), folder)


def make_battles(count, seed=0):
    """Battles of one to three turns, some longer than the model reads, as rows of a file."""
    random = np.random.default_rng(seed)

    def text():
        return " ".join(random.choice(WORDS, random.integers(1, 12)))

    rows = []
    for number in range(count):
        turns = range(random.integers(1, 4))
        fields = {
            name: json.dumps([text() for _ in turns])
            for name in ("prompt", "response_a", "response_b")
        }
        rows.append({"id": str(1000 - 7 * number), **fields})
    return rows


def contents(folder):
    """Return the bytes of every file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(path):
    """Return the error of a bundle that must not be loaded; it names the path."""
    with pytest.raises(BadInput) as error:
        load_bundle(path)
    assert str(path) in str(error.value)
    return str(error.value)


def edit_manifest(folder, change):
    values = json.loads((folder / "bundle.json").read_text())
    change(values)
    (folder / "bundle.json").write_text(json.dumps(values))
