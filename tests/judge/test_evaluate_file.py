"""`python -m preference evaluate`, against scikit-learn on what `predict` writes."""

import json
import runpy
import shutil
import sys

import h5py
import numpy as np
import pyarrow.csv
import pytest
from schema_rows import PAIRS, PLAIN, annotated, say, write_lines
from sklearn.metrics import accuracy_score, f1_score, log_loss
from small_bundle import make_battles, replace_file, small_manifest, write_bundle

from preference.judge.votes import read_votes
from preference.models.model_files import WEIGHTS
from preference.statistics.calibration import Calibrated, Calibration

WINNERS = ["model_a", "model_b", "tie"]
COLUMNS = ["winner_model_a", "winner_model_b", "winner_tie"]
ROWS = 60


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two bundles: the same network with other temperatures."""
    folder = tmp_path_factory.mktemp("models")
    metrics = small_manifest().calibration.in_order.metrics
    hot = Calibrated(temperature=4.0, metrics=metrics)
    calibration = Calibration(battles=10, groups=9, in_order=hot, both_orders=hot)
    write_bundle(folder / "hot", calibration=calibration)
    return [write_bundle(folder / "small"), folder / "hot"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command of `preference`; return what it prints on stdout and stderr."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["preference", *map(str, arguments)])
        runpy.run_module("preference", run_name="__main__")
        return capsys.readouterr()

    return command


def make_votes(count=ROWS):
    random = np.random.default_rng(5)
    rows = make_battles(count)
    return [{**row, "winner": str(random.choice(WINNERS))} for row in rows]


def evaluate(run, models, path):
    named = [argument for model in models for argument in ("--model", model)]
    return json.loads(run("evaluate", *named, "--json", "-", path).out)


def predict(run, model, path, tmp_path):
    run("predict", "--model", model, path, tmp_path / "out.csv")
    table = pyarrow.csv.read_csv(tmp_path / "out.csv")
    return np.column_stack([table[name] for name in COLUMNS])


def test_metrics_are_those_of_scikit_learn_on_the_written_predictions(run, models, tmp_path):
    votes = make_votes()
    swapped = [
        {**row, "response_a": row["response_b"], "response_b": row["response_a"]} for row in votes
    ]
    path = write_lines(tmp_path / "votes.jsonl", votes)
    labels = [WINNERS.index(row["winner"]) for row in votes]
    result = evaluate(run, models, path)
    assert list(result["models"]) == list(map(str, models))
    losses = []
    for model in models:
        both = write_lines(tmp_path / "both.jsonl", [*votes, *swapped])
        probabilities, other = np.split(predict(run, model, both, tmp_path), 2)
        predicted, mirrored = probabilities.argmax(axis=1), other[:, [1, 0, 2]].argmax(axis=1)
        losses.append(log_loss(labels, probabilities, labels=[0, 1, 2]))
        found = result["models"][str(model)]
        expected = {
            "log_loss": losses[-1],
            "accuracy": accuracy_score(labels, predicted),
            "f1_macro": f1_score(labels, predicted, average="macro"),
            "flip_rate": np.mean(predicted != mirrored),
        }
        assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
        assert all(
            found[name]["low"] < value < found[name]["high"] for name, value in expected.items()
        )
        prior = np.tile([0.5, 0.3, 0.2], (ROWS, 1))
        assert found["prior"]["log_loss"] == pytest.approx(log_loss(labels, prior))
    difference = result["differences"][str(models[1])]
    assert difference["value"] == pytest.approx(losses[1] - losses[0])
    assert difference["low"] < difference["value"] < difference["high"] and difference["p_holm"]


def test_soft_and_weighted_votes_are_scored_as_a_row_for_each_share(run, models, tmp_path):
    random = np.random.default_rng(5)
    shares = random.integers(1, 9, size=(ROWS, 3)).astype(float)
    shares[:10] = np.eye(3)[np.arange(10) % 3]
    shares /= shares.sum(axis=1, keepdims=True)
    weights = random.integers(1, 4, size=ROWS)
    named = [dict(zip(COLUMNS, row, strict=True)) for row in shares.tolist()]
    votes = [
        {**row, **named[number], "id": number, "weight": int(weights[number])}
        for number, row in enumerate(make_battles(ROWS))
    ]
    path = write_lines(tmp_path / "votes.jsonl", votes)
    probabilities = predict(run, models[0], path, tmp_path)
    result = evaluate(run, models[:1], path)
    rows, labels = np.indices(shares.shape).reshape(2, -1)
    weighted = (shares * weights[:, None]).ravel()
    (found,) = result["models"].values()
    expected = log_loss(labels, probabilities[rows], sample_weight=weighted)
    assert found["log_loss"]["value"] == pytest.approx(expected)
    prior = np.tile([0.5, 0.3, 0.2], (len(rows), 1))
    assert found["prior"]["log_loss"] == pytest.approx(
        log_loss(labels, prior, sample_weight=weighted)
    )
    said = run("evaluate", "--model", models[0], path).out
    assert "50 battles have soft labels: log loss is the cross-entropy of soft labels" in said
    assert f"below {result['soft_labels']['entropy']:.4f}, their entropy" in said
    assert "Battles have weights from 1 to 3: all metrics are weighted." in said


def test_the_text_says_what_may_be_said(run, models, tmp_path):
    path = write_lines(tmp_path / "votes.jsonl", make_votes())
    named = ("--model", models[0], "--model", models[1])
    said = run("evaluate", "--both-orders", *named, path).out
    assert said.startswith(f"{path}: {ROWS} battles in ")
    assert all(f"\n{model}\n  log loss  " in said for model in models)
    assert f"{models[1]}, compared with {models[0]}: " in said
    assert "another training run of the same experiment would differ is not known" in said
    assert said.count("flip rate           0.0000 (no interval)") == 2


def write_zeros(bundle, scratch):
    """Let all weights of a bundle be 0."""
    shutil.copy(bundle / WEIGHTS, scratch / "zeros.h5")
    with h5py.File(scratch / "zeros.h5", "r+") as file:
        file.visititems(
            lambda _, one: one.write_direct(np.zeros_like(one)) if hasattr(one, "dtype") else None
        )
    replace_file(bundle, WEIGHTS, (scratch / "zeros.h5").read_bytes())


def test_constant_predictions_and_labels_of_probability_0_are_told(run, models, tmp_path):
    path = write_lines(tmp_path / "votes.jsonl", make_votes())
    write_zeros(write_bundle(tmp_path / "zeros"), tmp_path)
    said = run("evaluate", "--model", tmp_path / "zeros", path).out
    assert f"Warning: {tmp_path / 'zeros'} predicts the same for every battle" in said
    write_bundle(tmp_path / "tieless", prior=[0.5, 0.5, 0.0])
    said = run("evaluate", "--model", tmp_path / "tieless", path).out
    ties = sum(row["winner"] == "tie" for row in make_votes())
    assert f"these frequencies gives probability 0 to the label of {ties} battles" in said
    # The model of a prior without ties predicts none either.
    assert f"tieless gives probability 0 to the label of {ties} battles" in said
    assert "Warning" not in run("evaluate", "--model", models[0], path).out
    single = write_lines(tmp_path / "single.jsonl", make_votes()[:1])
    assert "predicts the same" not in run("evaluate", "--model", models[0], single).out


@pytest.mark.parametrize("name", ["votes.jsonl", "copy/bundle.json", "folder/more.jsonl"])
def test_metrics_replace_nothing_that_is_read(run, models, tmp_path, capsys, name):
    shutil.copytree(models[0], tmp_path / "copy")
    path = write_lines(tmp_path / "votes.jsonl", make_votes(3))
    (tmp_path / "folder").mkdir()
    write_lines(tmp_path / "folder/more.jsonl", make_votes(3))
    votes = tmp_path / "folder" if name.startswith("folder") else path
    before = (tmp_path / name).read_bytes()
    with pytest.raises(SystemExit) as stopped:
        run("evaluate", "--model", tmp_path / "copy", "--json", tmp_path / name, votes)
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / name} is ") and "read" in said
    assert (tmp_path / name).read_bytes() == before


def test_few_groups_have_no_intervals_and_are_told(run, models, tmp_path):
    same = [PLAIN | {"response_a": f"soup {number}", "winner": "a"} for number in range(40)]
    path = write_lines(tmp_path / "votes.jsonl", same)
    said = run("evaluate", "--model", models[0], path).out
    assert "No intervals and no tests: 1 group of battles is too few" in said
    assert "(no interval)" in said and "[0." not in said and "Brackets" not in said


@pytest.mark.parametrize("row", [PLAIN, PLAIN | {"id": 1}])
def test_a_file_without_labels_is_one_clear_line(run, models, tmp_path, capsys, row):
    path = write_lines(tmp_path / "votes.jsonl", [row])
    with pytest.raises(SystemExit):
        run("evaluate", "--model", models[0], path)
    said = capsys.readouterr().err.replace("\r", "\n")
    (line,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert f"{path} lacks columns: winner" in line and "it has no labels: add which answer" in line


def test_rows_that_are_no_battles_are_told_and_not_scored(run, models, tmp_path):
    votes = [*make_votes(4), {"id": 1, "winner": "tie"}, make_votes(1)[0]]
    path = write_lines(tmp_path / "votes.jsonl", votes)
    said = run("evaluate", "--model", models[0], path)
    assert "2 of 6 rows cannot be read as battles" in said.err and "not scored" in said.err
    assert f"{path}: 4 battles" in said.out


def test_a_model_that_is_named_twice_is_refused(run, models, tmp_path, capsys):
    with pytest.raises(SystemExit):
        evaluate(run, [models[0], models[0]], write_lines(tmp_path / "v.jsonl", make_votes(2)))
    assert "is named twice" in capsys.readouterr().err


RELEASE = {"conversation_a": say("q", "a"), "conversation_b": say("q", "b"), "winner": "tie"}


@pytest.mark.parametrize(
    "row",
    [
        PLAIN | {"winner": "b"},
        PAIRS["messages"],
        RELEASE | {"question_id": "5821ab"},
        annotated(1, idx=7),
    ],
)
def test_a_schema_that_can_be_trained_on_can_be_evaluated(tmp_path, row):
    votes = read_votes(write_lines(tmp_path / "a.jsonl", [row]))
    assert len(votes.battles) == 1 and not votes.unreadable


def test_votes_without_a_tie_are_scored_as_a_or_b_alone(run, models, tmp_path):
    votes = [row for row in make_votes() if row["winner"] != "tie"]
    path = write_lines(tmp_path / "votes.jsonl", votes)
    decided = predict(run, models[0], path, tmp_path)[:, :2]
    decided /= decided.sum(axis=1, keepdims=True)
    labels = [WINNERS.index(row["winner"]) for row in votes]
    found = evaluate(run, models[:1], path)["models"][str(models[0])]
    assert found["log_loss"]["value"] == pytest.approx(log_loss(labels, decided), abs=1e-5)
    assert "No vote is a tie" in run("evaluate", "--model", models[0], path).out
