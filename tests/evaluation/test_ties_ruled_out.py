"""Battles whose source has no ties are scored as A or B alone, in every stage that scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_inputs import write_inputs
from simulated_models import simulate, without_oracle
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as sklearn_log_loss

from preference.battles.predictions import rule_out_ties
from preference.battles.table import TIE
from preference.bundle.manifest import read_manifest
from preference.statistics.temperature_scaling import fit_temperature
from stages import evaluate


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decided(rows=400):
    """Return battles of which none is a tie, and what a model that expects ties predicts."""
    targets, predictions = simulate(rows)
    targets = without_oracle(targets)
    labels = np.where(targets.labels == TIE, np.arange(rows) % 2, targets.labels)
    return replace(targets, labels=labels), predictions["exp1"]


def run_stages(targets, model):
    write_inputs(targets, model)
    evaluate.main()
    details = json.loads(Path("metrics/evaluation_details.json").read_text())
    return details, details["models"]["exp1"]


def test_the_metrics_of_a_source_without_ties_are_those_of_two_labels():
    targets, model = decided()
    targets = replace(targets, has_ties=np.zeros(400, bool))
    details, exp1 = run_stages(targets, model)
    first, second = np.split(model.probabilities[:, :2], 2)
    temperature = exp1["temperature"][0]
    scaled = second ** (1 / temperature)
    scaled /= scaled.sum(axis=1, keepdims=True)
    labels = targets.labels[200:]
    assert exp1["log_loss"]["value"] == pytest.approx(sklearn_log_loss(labels, scaled))
    f1 = f1_score(labels, scaled.argmax(axis=1), average="macro")
    assert exp1["f1_macro"]["value"] == pytest.approx(f1)
    pairs = np.insert(first / first.sum(axis=1, keepdims=True), TIE, 0, axis=1)
    assert temperature == pytest.approx(fit_temperature(targets.labels[:200], pairs), rel=1e-4)
    assert details["models"]["prior"]["log_loss"]["value"] == pytest.approx(np.log(2))
    assert not [warning for warning in details["warnings"] if "tie" in warning]
    assert details["models"]["blend"]["log_loss"]["value"] < np.log(2)


def test_in_a_mix_each_battle_is_scored_by_the_labels_that_it_can_have():
    targets, model = decided()
    has_ties = np.arange(400) % 3 > 0
    labels = np.where(has_ties, without_oracle(simulate(400)[0]).labels, targets.labels)
    targets = replace(targets, labels=labels, has_ties=has_ties)
    _, exp1 = run_stages(targets, model)
    possible = rule_out_ties(model, has_ties).probabilities[200:] ** (1 / exp1["temperature"][0])
    possible /= possible.sum(axis=1, keepdims=True)
    of_label = possible[np.arange(200), labels[200:]]
    assert exp1["log_loss"]["value"] == pytest.approx(-np.log(of_label).mean())


@pytest.mark.parametrize("ties", [True, False])
def test_a_bundle_says_whether_a_source_had_ties(folder, ties):
    targets, model = decided()
    with_ties = without_oracle(simulate(400)[0])
    write_inputs(replace(with_ties if ties else targets, has_ties=np.full(400, ties)), model)
    for name in ("exp1", "blend"):
        assert read_manifest(folder / "models" / name).has_ties == ties
