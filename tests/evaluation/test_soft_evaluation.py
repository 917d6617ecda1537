"""Soft labels and weights in every stage that scores, against scikit-learn on hard battles."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from evaluation_inputs import write_battles, write_inputs
from scipy.stats import entropy
from simulated_models import simulate, without_oracle
from sklearn.metrics import accuracy_score, log_loss

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import read_labels, read_weights
from preference.evaluation.known_prompts import score_by_known_prompt
from preference.evaluation.model_noise import ModelNoise
from preference.report.soft_label_notes import describe_soft_labels
from preference.runtime.errors import BadInput
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.temperature_scaling import fit_temperature
from stages import evaluate

ROWS = 400


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def soften(targets):
    """Return targets of which every other label is soft, and all have weights."""
    random = np.random.default_rng(3)
    shares = np.eye(3)[targets.labels]
    shares[::2] = 0.7 * shares[::2] + 0.3 * random.dirichlet([1, 1, 1], size=ROWS // 2)
    weights = random.integers(1, 4, size=ROWS) / 2
    return replace(without_oracle(targets), labels=shares, weights=weights)


def as_hard(targets, part):
    """Return the battle, the label and the weight of a row for each share."""
    rows, labels = np.indices(targets.labels[part].shape).reshape(2, -1)
    return rows, labels, (targets.labels[part] * targets.weights[part, None]).ravel()


def test_every_stage_scores_the_shares_and_says_so():
    targets, predictions = simulate(ROWS)
    targets, model = soften(targets), predictions["exp1"]
    write_inputs(targets, model)
    evaluate.main()
    details = json.loads(Path("metrics/evaluation_details.json").read_text())
    exp1, (first, second) = details["models"]["exp1"], (slice(0, 200), slice(200, 400))
    rows, labels, weights = as_hard(targets, first)
    expected = fit_temperature(labels, model.probabilities[first][rows], weights)
    assert exp1["temperature"] == [pytest.approx(expected, rel=1e-4)]
    scaled = model.probabilities[second] ** (1 / exp1["temperature"][0])
    scaled /= scaled.sum(axis=1, keepdims=True)
    rows, labels, weights = as_hard(targets, second)
    expected = log_loss(labels, scaled[rows], sample_weight=weights)
    assert exp1["log_loss"]["value"] == pytest.approx(expected, abs=1e-6)
    assert exp1["log_loss"]["low"] < expected < exp1["log_loss"]["high"]
    codes = targets.labels[second].argmax(axis=1)
    expected = accuracy_score(codes, scaled.argmax(axis=1), sample_weight=targets.weights[second])
    assert exp1["accuracy"]["value"] == pytest.approx(expected, abs=1e-6)
    assert np.sum(exp1["confusion"]) == 200
    floor = np.average(entropy(targets.labels[second], axis=1), weights=targets.weights[second])
    assert details["soft_labels"] == {"rows": 100, "entropy": pytest.approx(floor, abs=1e-6)}
    assert details["battle_weights"] == {"min": 0.5, "max": 1.5}
    assert all(model["log_loss"]["value"] > floor for model in details["models"].values())
    # The battles of calibration and of `train` are the same here, and prior learns from all.
    ties = np.average(targets.labels[:, 2], weights=targets.weights)
    prior = np.array([(1 - ties) / 2, (1 - ties) / 2, ties])
    uncalibrated = details["models"]["prior"]["log_loss_uncalibrated"]["value"]
    rows, labels, weights = as_hard(targets, first)
    expected = fit_temperature(labels, np.tile(prior, (len(rows), 1)), weights)
    assert details["models"]["prior"]["temperature"] == [pytest.approx(expected, rel=1e-2)]
    means = np.average(targets.labels[second], axis=0, weights=targets.weights[second])
    assert uncalibrated == pytest.approx(-means @ np.log(prior), abs=1e-4)
    parts = {(part["slice"], part["part"]): part for part in details["slices"]}
    by_label = [parts["label", name]["models"]["exp1"]["log_loss"]["value"] for name in "AB"]
    rows, labels, weights = as_hard(targets, second)
    for label, found in enumerate(by_label):
        chosen = (codes == label)[rows]
        expected = -np.average(np.log(scaled[rows, labels])[chosen], weights=weights[chosen])
        assert found == pytest.approx(expected, abs=1e-6)
    hardest = json.loads(Path("data/scored/hardest.json").read_text())
    assert hardest[0]["log_loss"] >= hardest[1]["log_loss"]
    (first_note, *others) = [one.text for one in describe_soft_labels(details)]
    assert first_note.startswith("100 of 200 test battles") and f"{floor:.4f}" in first_note
    assert "the cross-entropy of soft labels" in first_note
    assert "weights from 0.5 to 1.5" in others[-1]


def test_weights_give_the_gains_on_known_prompts_of_the_repeated_rows():
    targets, predictions = simulate(ROWS)
    known, labels = np.arange(ROWS) % 4 == 0, soften(targets).labels
    weights = np.random.default_rng(3).integers(1, 4, size=ROWS)
    scores = []
    for rows, of_battles in (
        (np.arange(ROWS), weights.astype(float)),
        (np.repeat(np.arange(ROWS), weights), None),
    ):
        models = {
            name: [Predictions(rows, one.probabilities[rows], one.swapped[rows])]
            for name, one in predictions.items()
        }
        bootstrap = GroupBootstrap(targets.groups[rows], 50, seed=1, weights=of_battles)
        arguments = known[rows], labels[rows], models, ["exp1"], "length", bootstrap
        scores.append(score_by_known_prompt(*arguments, ModelNoise({"exp1": 1}, {})))
    one, other = scores
    assert one["gains"]["exp1"]["value"] == pytest.approx(other["gains"]["exp1"]["value"])
    for part in ("known", "other"):
        found, expected = (score["parts"][part]["models"]["exp1"] for score in scores)
        assert {name: estimate["low"] for name, estimate in found.items()} == pytest.approx(
            {name: estimate["low"] for name, estimate in expected.items()}
        )


def test_hard_labels_are_not_mentioned():
    assert describe_soft_labels({"rows": 3}) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("shares", [0.5, 0.4, 0.0], "shares that do not sum to 1.*dvc repro fetch"),
        ("weight", 0.0, "weight that is not above 0.*dvc repro fetch"),
    ],
)
def test_damaged_columns_are_refused(column, value, message):
    table = write_battles(soften(simulate(ROWS)[0]))
    number, field = table.column_names.index(column), table.field(column)
    values = pa.array([value, *table[column].to_pylist()[1:]], field.type)
    read = {"shares": read_labels, "weight": read_weights}[column]
    with pytest.raises(BadInput, match=message):
        read(table.set_column(number, field, values))
