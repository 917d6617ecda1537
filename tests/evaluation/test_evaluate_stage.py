"""The evaluate stage: what it reads of every model, and every file that it writes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_inputs import BATTLES, write_inputs
from repository import REPOSITORY
from simulated_models import simulate, without_oracle
from sklearn import metrics as sklearn_metrics

from preference.battles.predictions import read_predictions
from preference.config.params import LEARNING_REFERENCES, REFERENCES, load_params
from preference.evaluation.battle_digest import digest_table
from preference.evaluation.inputs import read_battles
from preference.evaluation.outputs import write_hardest
from preference.models.training_record import read_record
from preference.runtime.errors import BadInput
from preference.runtime.provenance import hash_file
from stages import evaluate

TEST = Path("data/split/test.parquet")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rewrite(path, column, change):
    table = pq.read_table(path)
    values = change(table[column].to_pylist())
    number, field = table.column_names.index(column), table.field(column).with_nullable(True)
    pq.write_table(table.set_column(number, field, pa.array(values, field.type)), path)


@pytest.mark.parametrize(
    ("path", "column", "change", "message"),
    [
        (BATTLES, "label", lambda values: [3, *values[1:]], r"battles.parquet has a label.*fetch"),
        (BATTLES, "label", lambda values: [-1, *values[1:]], r"battles.parquet has a label.*fetch"),
        (
            BATTLES,
            "label",
            lambda values: [None, *values[1:]],
            r"battles.parquet has a label.*fetch",
        ),
        (BATTLES, "oracle", lambda values: [[1.0] * 3] * len(values), "true probabilities.*fetch"),
        (TEST, "id", lambda values: [values[1], *values[1:]], "test.parquet has a battle twice"),
        (TEST, "group", lambda values: [None, *values[1:]], "test.parquet has .* without group"),
    ],
)
def test_battles_that_cannot_be_are_told(path, column, change, message):
    targets, predictions = simulate(300)
    write_inputs(targets, predictions["exp1"])
    rewrite(path, column, change)
    with pytest.raises(BadInput, match=message):
        evaluate.main()


def test_a_split_that_older_code_has_written_is_told():
    targets, predictions = simulate(40)
    write_inputs(targets, predictions["exp1"])
    pq.write_table(pq.read_table(TEST).drop_columns("near_duplicate"), TEST)
    with pytest.raises(BadInput, match=r"data/split/ is of older code: run `dvc repro split`"):
        evaluate.main()


def test_stage_says_that_its_battles_are_too_few(capsys):
    targets, predictions = simulate(40)
    write_inputs(targets, predictions["exp1"])
    capsys.readouterr()
    evaluate.main()
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning:" in line]
    said = "10 groups of battles are too few for an interval or a test; at least 30 are needed."
    assert warnings[0].startswith(f"warning: On test, {said}")
    assert warnings[1].startswith(f"warning: On calibration, {said}")
    headline = json.loads(Path("metrics/evaluate.json").read_text())
    assert headline["exp1"]["log_loss"] > 0 and headline["exp1"]["log_loss_noise"] is None
    details = json.loads(Path("metrics/evaluation_details.json").read_text())
    assert f"warning: {details['warnings'][0]}" == warnings[0]
    assert details["models"]["exp1"]["log_loss"]["low"] is None


def tempered(probabilities, temperature):
    logits = np.log(probabilities) / temperature
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("simulated", [True, False])
def test_stage_writes_every_file(capsys, simulated):
    targets, predictions = simulate(300)
    targets = targets if simulated else without_oracle(targets)
    # The one battle of which a side was cut is of test.
    write_inputs(targets, predictions["exp1"], seeds=(3, 4), cut=[targets.ids[151]])
    capsys.readouterr()
    evaluate.main()
    assert "warning" not in capsys.readouterr().err
    experiments = load_params().experiments
    headline = json.loads(Path("metrics/evaluate.json").read_text())
    names = {*experiments, "blend", *REFERENCES} | ({"oracle"} if simulated else set())
    assert set(headline) == names
    details = json.loads(Path("metrics/evaluation_details.json").read_text())
    assert details["simulated"] == simulated
    assert details["test_battles"] == digest_table(
        read_battles("test"), ("prompt", "response_a", "response_b", "label")
    )
    assert details["models"]["exp1"]["seeds"] == 2
    assert details["weights"] == {
        **{name: [read_record(name, seed).weights for seed in (3, 4)] for name in experiments},
        "blend": [hash_file(Path("data/blend.json"))],
    }
    assert details["averages_both_orders"] is False
    assert details["near_duplicates"]["rows"] == 1
    assert details["known_prompts"] is None
    assert details["blend"]["weights"].keys() == {*experiments, *LEARNING_REFERENCES}
    for length in ("512", "1,024"):
        name = f"longer than {length} tokens"
        parts = {one["part"]: one["rows"] for one in details["slices"] if one["slice"] == name}
        assert parts == {"no": 149, "yes": 1}
    for split, ids in (("calibration", targets.ids[:150]), ("test", targets.ids[150:])):
        folder = Path("data/scored", split)
        runs = {f"{name}/seed-{seed}" for name in experiments for seed in (3, 4)}
        files = {path.relative_to(folder) for path in folder.rglob("*.parquet")}
        assert {path.with_suffix("").as_posix() for path in files} == runs | {"blend", *REFERENCES}
        assert pq.read_table(folder / "exp1/seed-4.parquet")["id"].to_pylist() == ids.tolist()
    written = pq.read_table(folder / "exp1/seed-3.parquet")
    probabilities = np.column_stack([written[f"p_{label}"] for label in ("A", "B", "tie")])
    (temperature, _) = details["models"]["exp1"]["temperature"]
    expected = tempered(predictions["exp1"].probabilities[150:], temperature)
    assert probabilities == pytest.approx(expected, abs=1e-5)
    loss = sklearn_metrics.log_loss(targets.labels[150:], probabilities)
    assert headline["exp1"]["log_loss"] == pytest.approx(loss, abs=1e-6)
    hardest = json.loads(Path("data/scored/hardest.json").read_text())
    assert [one["log_loss"] for one in hardest] == sorted(
        (one["log_loss"] for one in hardest), reverse=True
    )
    assert set(hardest[0]["prompt"]) == {"a question"}
    plots = Path("metrics/plots")
    assert {file.stem for file in (plots / "confusion").iterdir()} == names
    assert (plots / "log_loss.csv").exists()


def test_the_hardest_battles_are_those_of_the_model_that_the_report_names(monkeypatch):
    targets, predictions = simulate(200)
    write_inputs(targets, predictions["exp1"])
    monkeypatch.setattr(evaluate, "best_experiment", lambda details: "prior")
    evaluate.main()
    hardest = json.loads(Path("data/scored/hardest.json").read_text())
    prior = read_predictions(Path("data/scored/test/prior.parquet"), "evaluate").probabilities[0]
    for battle in hardest:
        assert battle["probabilities"] == pytest.approx(prior)


def test_the_temperatures_are_those_of_the_bundles():
    """They are read, and not fitted again."""
    targets, predictions = simulate(200)
    write_inputs(targets, predictions["exp1"])
    path = Path("data/calibration/exp1.json")
    fitted = json.loads(path.read_text())
    for way, temperature in (("in_order", 3.5), ("both_orders", 0.25)):
        fitted[0]["calibration"][way]["temperature"] = temperature
    path.write_text(json.dumps(fitted))
    text = Path("params.yaml").read_text()
    for both_orders, temperature in (("false", 3.5), ("true", 0.25)):
        changed = text.replace("resamples: 2000\n", "resamples: 100\n")
        head, section = changed.split("evaluation:", 1)
        section = section.replace("both_orders: false", f"both_orders: {both_orders}", 1)
        Path("params.yaml").write_text(f"{head}evaluation:{section}")
        evaluate.main()
        details = json.loads(Path("metrics/evaluation_details.json").read_text())
        assert details["models"]["exp1"]["temperature"] == [temperature]


def test_the_stage_needs_no_network_framework():
    """Neither do those that make its inputs of what a training has left."""
    code = (
        "import sys, stages.blend, stages.bundle, stages.configure, stages.evaluate,"
        "stages.predict_reference;"
        "print({'tensorflow', 'keras', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_hardest_battles_have_the_ids_that_their_source_has(tmp_path):
    table = pa.table(
        {
            "id": [7, 8, 9],
            "source_id": ["7", "a text", None],
            **{name: [["x"]] * 3 for name in ("prompt", "response_a", "response_b")},
            "label": [0, 0, 0],
        }
    )
    probabilities = np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1]])
    write_hardest(table, probabilities, tmp_path / "hardest.json")
    found = json.loads((tmp_path / "hardest.json").read_text())
    assert [row["id"] for row in found] == [7, "a text", 9]
