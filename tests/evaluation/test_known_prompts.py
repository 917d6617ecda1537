"""Test battles whose prompt is known from elsewhere, with a planted leak and without one."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_inputs import BATTLES, write_inputs
from scipy import stats
from simulated_models import simulate
from sklearn import metrics

from preference.battles.predictions import Predictions
from preference.evaluation.known_prompts import score_by_known_prompt
from preference.evaluation.model_noise import ModelNoise
from preference.report.known_prompts_section import describe_known_prompts, known_prompts_table
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml, write_yaml
from preference.sources.known_prompts import check_known_prompts, read_known_prompts
from preference.statistics.cluster_bootstrap import GroupBootstrap
from stages import evaluate

KNOWN, FOLDER = 60, Path("data/known_prompts")
BATTLE_COUNT = 600
RANDOM_LABELS = np.random.default_rng(1).integers(3, size=BATTLE_COUNT)
EVERY_SECOND = np.arange(BATTLE_COUNT) % 2 == 0


def predict(certainty):
    """Give each label the probability `certainty` [n], and the two others the rest evenly."""
    probabilities = np.repeat((1 - certainty)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(BATTLE_COUNT), RANDOM_LABELS] = certainty
    return Predictions(np.arange(BATTLE_COUNT), probabilities, probabilities)


def score(leak):
    """Score a model that is better by `leak` where known prompts are easier for all models."""
    random = np.random.default_rng(2)
    reference = 0.4 + 0.1 * EVERY_SECOND
    runs = [
        predict(reference + leak * EVERY_SECOND + random.normal(0.03, 0.05, BATTLE_COUNT))
        for _ in range(2)
    ]
    models = {"exp1": runs, "tfidf": [predict(reference)]}
    bootstrap = GroupBootstrap(np.arange(BATTLE_COUNT), resamples=300, seed=1)
    noise = ModelNoise({"exp1": 2}, {})
    found = score_by_known_prompt(
        EVERY_SECOND, RANDOM_LABELS, models, ["exp1"], "tfidf", bootstrap, noise
    )
    return found, models


def test_a_gain_on_known_prompts_is_the_difference_of_two_differences():
    found, models = score(leak=0.1)

    def loss(name, members):
        return np.mean(
            [
                metrics.log_loss(RANDOM_LABELS[members], run.probabilities[members])
                for run in models[name]
            ]
        )

    def gap(members):
        return loss("exp1", members) - loss("tfidf", members)

    assert found["gains"]["exp1"]["value"] == pytest.approx(gap(EVERY_SECOND) - gap(~EVERY_SECOND))
    assert found["gains"]["exp1"]["p_holm"] < 0.01
    for part, members in (("known", EVERY_SECOND), ("other", ~EVERY_SECOND)):
        log_loss = found["parts"][part]["models"]["exp1"]["log_loss"]
        assert log_loss["value"] == pytest.approx(loss("exp1", members))
        assert log_loss["low"] < log_loss["value"] < log_loss["high"]


def test_prompts_that_are_easier_for_all_models_are_no_gain():
    found, _ = score(leak=0.0)
    log_losses = {
        part: found["parts"][part]["models"]["exp1"]["log_loss"] for part in found["parts"]
    }
    assert log_losses["known"]["high"] < log_losses["other"]["low"]
    assert found["gains"]["exp1"]["p_holm"] > 0.05


def gain_of(runs, known):
    """Score training runs, each the certainty of the actual label [n], against a constant model."""
    models = {
        "exp1": [predict(run) for run in runs],
        "tfidf": [predict(np.full(BATTLE_COUNT, 0.2))],
    }
    bootstrap = GroupBootstrap(np.arange(BATTLE_COUNT), resamples=20, seed=1)
    found = score_by_known_prompt(
        known,
        RANDOM_LABELS,
        models,
        ["exp1"],
        "tfidf",
        bootstrap,
        ModelNoise({"exp1": len(runs)}, {}),
    )
    text = " ".join(
        sentence.text
        for sentence in describe_known_prompts({"known_prompts": found, "rows": BATTLE_COUNT})
    )
    return found, text


def test_the_error_of_a_gain_is_that_within_the_parts_and_of_training():
    """How good the model is on all battles cancels: 4 times the certainty is 1.39 of log loss."""
    random = np.random.default_rng(3)
    known = np.arange(BATTLE_COUNT) < 120
    # What one training learns by heart is not what another does.
    by_heart = np.exp(random.normal(0.2, 0.05, (3, 1)) * known)
    runs = 0.1 * by_heart * np.exp(random.uniform(-0.3, 0.3, (3, BATTLE_COUNT)))
    expected = -np.log(runs)
    gains = expected[:, known].mean(axis=1) - expected[:, ~known].mean(axis=1)
    mean = expected.mean(axis=0)
    battles = stats.ttest_ind(mean[known], mean[~known], equal_var=False)
    error = np.hypot(gains.mean() / battles.statistic, gains.std(ddof=1) / np.sqrt(3))
    for factor in (1, 4):
        gain = gain_of(factor * runs, known)[0]["gains"]["exp1"]
        assert gain["value"] == pytest.approx(gains.mean())
        assert gain["standard_error"] == pytest.approx(error)


@pytest.mark.parametrize("few", ["known", "other"])
def test_a_gain_is_not_tested_where_either_part_has_too_few_groups(few):
    of_few = np.arange(BATTLE_COUNT) < 6
    certainty = np.random.default_rng(4).uniform(0.1, 0.9, (2, BATTLE_COUNT))
    found, text = gain_of(certainty, of_few if few == "known" else ~of_few)
    gain = found["gains"]["exp1"]
    assert [gain[name] for name in ("low", "high", "standard_error", "p", "p_holm")] == [None] * 5
    assert f"None of these was tested: with {few} prompts, 6 groups of battles are too few" in text


def test_a_gain_is_not_tested_where_the_noise_of_training_is_unknown():
    certainty = np.random.default_rng(5).uniform(0.1, 0.9, (1, BATTLE_COUNT))
    found, text = gain_of(certainty, EVERY_SECOND)
    gain = found["gains"]["exp1"]
    assert gain["p"] is None and gain["low"] < gain["value"] < gain["high"]
    assert "None of these was tested: the noise of training is unknown." in text


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """The inputs of `evaluate`, where each battle has a prompt of its own."""
    monkeypatch.chdir(tmp_path)
    targets, predictions = simulate(300)
    write_inputs(targets, predictions["exp1"], seeds=(3, 4))
    table = pq.read_table(BATTLES)
    prompts = [[f"Question  {one}", "And then?"] for one in table["id"].to_pylist()]
    column = table.column_names.index("prompt")
    table = table.set_column(column, "prompt", pa.array(prompts))
    pq.write_table(table, BATTLES)
    FOLDER.mkdir()
    return targets


def evaluate_with(*files):
    params = read_yaml(Path("params.yaml"))
    params["evaluation"]["known_prompts"] = [f"{FOLDER}/{name}" for name in files]
    write_yaml(Path("params.yaml"), params)
    evaluate.main()
    return json.loads(Path("metrics/evaluation_details.json").read_text())


def test_prompts_are_known_however_they_are_written(inputs, capsys):
    """Of two files, one has other case, white space and invisible characters, and a bad row."""
    test = inputs.ids[150:]
    plain = "".join(f"QUESTION \u200b{one}\n" for one in test[:KNOWN])
    (FOLDER / "plain.csv").write_text("prompt\n" + plain)
    rows = [{"prompt": [f"question {test[KNOWN]}"]}, {"prompt": []}]
    (FOLDER / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    details = evaluate_with("plain.csv", "rows.jsonl")
    known = details["known_prompts"]
    assert known["rows"] == KNOWN + 1
    assert [known["parts"][part]["rows"] for part in ("known", "other")] == [61, 89]
    scored = pq.read_table("data/scored/test/exp1/seed-3.parquet")
    probabilities = np.column_stack([scored[f"p_{label}"] for label in ("A", "B", "tie")])
    labels = inputs.labels[150:]
    parts = {"known": slice(0, KNOWN + 1), "other": slice(KNOWN + 1, None)}
    for name, members in parts.items():
        found = known["parts"][name]["models"]["exp1"]
        expected = metrics.log_loss(labels[members], probabilities[members])
        assert found["log_loss"]["value"] == pytest.approx(expected, abs=1e-5)
        right = metrics.accuracy_score(labels[members], probabilities[members].argmax(axis=1))
        assert found["accuracy"]["value"] == pytest.approx(right)
    assert "1 rows of data/known_prompts/rows.jsonl could not be read" in capsys.readouterr().err
    text = " ".join(sentence.text for sentence in describe_known_prompts(details))
    assert "61 of 150 test battles" in text
    assert len(known_prompts_table(details).rows) == 2 * len(details["models"])


def test_without_such_prompts_nothing_is_compared(inputs):
    (FOLDER / "others.csv").write_text("prompt\nsomething else\n")
    details = evaluate_with("others.csv")
    assert (details["known_prompts"]["rows"], details["known_prompts"]["parts"]) == (0, {})
    assert "nothing to compare" in describe_known_prompts(details)[0].text
    assert known_prompts_table(details) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "none.csv does not exist. Put the file there, or correct params.yaml"),
        ("others.csv", "question\nwhy?\n", "others.csv lacks columns: .*prompt"),
    ],
)
def test_a_file_without_prompts_is_told(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    if content:
        Path(name).write_text(content)
    for read in (check_known_prompts, read_known_prompts):
        with pytest.raises(BadInput, match=message):
            read([name])
