"""The evaluate stage: which models it asks, and every file that it writes."""

import importlib
import json
import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from repository import REPOSITORY
from simulated_models import simulate, without_oracle
from sklearn import metrics as sklearn_metrics

from preference.battles.predictions import Predictions
from preference.battles.table import BATTLE_SCHEMA, SEGMENTS, SIMULATED_SCHEMA
from preference.config.params import ReferenceParams, load_params
from preference.references.models import fit_reference, save_reference
from preference.runtime.errors import BadInput
from preference.sequences.token_store import SpecialTokens
from preference.sequences.token_writer import SegmentWriter, save_index


def write_inputs(folder, truth):
    """Write the battles of `truth` in reverse, so that an order that is taken for granted shows."""
    count = len(truth.ids)
    columns = {
        "id": truth.ids,
        "prompt": [["a question"]] * count,
        "response_a": [["yes " * (number % 7)] for number in range(count)],
        "response_b": [["no " * (number % 5)] for number in range(count)],
        "label": pa.array(truth.labels, pa.int8()),
        "model_a": [None] * count,
        "model_b": [None] * count,
        "source": ["drawn"] * count,
    }
    schema = BATTLE_SCHEMA
    if truth.oracle is not None:
        columns |= {"oracle": truth.oracle.tolist(), "oracle_agreement": truth.agreement}
        schema = SIMULATED_SCHEMA
    battles = pa.table(columns, schema=schema)
    (folder / "data" / "split").mkdir(parents=True)
    pq.write_table(battles.take(np.arange(count)[::-1]), folder / "data" / "battles.parquet")
    near = np.arange(count) == count - 1
    split = pa.table({"id": truth.ids, "group": truth.groups, "near_duplicate": near})
    pq.write_table(split.slice(0, count // 2), folder / "data" / "split" / "calibration.parquet")
    pq.write_table(split.slice(count // 2), folder / "data" / "split" / "test.parquet")
    write_tokens(folder / "data" / "tokens", truth.ids)
    params = ReferenceParams(max_features=50, inverse_regularization=0.1)
    for name in ("prior", "length", "tfidf"):
        save_reference(fit_reference(name, battles, params), folder / "models" / "reference")
    shutil.copy(REPOSITORY / "params.yaml", folder)


def write_tokens(folder, ids):
    """Write tokens of which those of one test battle alone are more than `model.seq_len`."""
    root, folder = folder, folder / "trained"
    folder.mkdir(parents=True)
    (root / "index.json").write_text(json.dumps({"deberta_v3_tiny": "trained"}))
    lengths = np.full(len(ids), 5)
    lengths[len(ids) // 2 + 1] = 600
    for segment in SEGMENTS:
        writer = SegmentWriter(folder, segment)
        writer.append(np.ones(lengths.sum(), dtype=np.int32), lengths)
        writer.save(np.arange(len(ids)))
    special = SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=30)
    save_index(folder, ids, np.ones(len(ids), dtype=np.int64), special)


TABLE, TEST = Path("data/battles.parquet"), Path("data/split/test.parquet")


def rewrite(path, column, change):
    table = pq.read_table(path)
    values = change(table[column].to_pylist())
    number, field = table.column_names.index(column), table.field(column).with_nullable(True)
    pq.write_table(table.set_column(number, field, pa.array(values, field.type)), path)


@pytest.mark.parametrize(
    ("path", "column", "change", "message"),
    [
        (TABLE, "label", lambda values: [3, *values[1:]], r"battles.parquet has a label.*fetch"),
        (TABLE, "label", lambda values: [-1, *values[1:]], r"battles.parquet has a label.*fetch"),
        (TABLE, "label", lambda values: [None, *values[1:]], r"battles.parquet has a label.*fetch"),
        (TABLE, "oracle", lambda values: [[1.0] * 3] * len(values), "true probabilities.*fetch"),
        (TEST, "id", lambda values: [values[1], *values[1:]], "test.parquet has a battle twice"),
        (TEST, "group", lambda values: [None, *values[1:]], "test.parquet has .* without group"),
    ],
)
def test_battles_that_cannot_be_are_told(tmp_path, monkeypatch, path, column, change, message):
    write_inputs(tmp_path, simulate(300)[0])
    monkeypatch.chdir(tmp_path)
    rewrite(path, column, change)
    stub = SimpleNamespace(predict_saved=None)
    monkeypatch.setitem(sys.modules, "preference.judge.judge", stub)
    stage = importlib.import_module("stages.evaluate")
    with pytest.raises(BadInput, match=message):
        stage.main()


def test_a_split_that_older_code_has_written_is_told(tmp_path, monkeypatch):
    write_inputs(tmp_path, simulate(40)[0])
    monkeypatch.chdir(tmp_path)
    pq.write_table(pq.read_table(TEST).drop_columns("near_duplicate"), TEST)
    stub = SimpleNamespace(predict_saved=None)
    monkeypatch.setitem(sys.modules, "preference.judge.judge", stub)
    stage = importlib.import_module("stages.evaluate")
    with pytest.raises(BadInput, match=r"data/split/ is of older code: run `dvc repro split`"):
        stage.main()


def predict_with(model, monkeypatch):
    """Let every experiment predict what `model` does, and return the folders that are asked."""
    asked = []

    def predict_saved(folder, splits, name):
        asked.append((folder.as_posix(), name))
        assert [len(ids) for ids in splits] == [len(model.ids) // 2] * 2
        rows = [np.searchsorted(model.ids, ids) for ids in splits]
        return [
            Predictions(ids, model.probabilities[row], model.swapped[row])
            for ids, row in zip(splits, rows, strict=True)
        ]

    stub = SimpleNamespace(predict_saved=predict_saved)
    monkeypatch.setitem(sys.modules, "preference.judge.judge", stub)
    monkeypatch.setattr(
        "preference.bundle.manifest.weights_hash", lambda folder: f"hash of {folder}"
    )
    return asked


def test_stage_says_that_its_battles_are_too_few(tmp_path, monkeypatch, capsys):
    truth, predictions = simulate(40)
    write_inputs(tmp_path, truth)
    predict_with(predictions["exp1"], monkeypatch)
    monkeypatch.chdir(tmp_path)
    runpy.run_module("stages.evaluate", run_name="__main__")
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning:" in line]
    said = "10 groups of battles are too few for an interval or a test; at least 30 are needed."
    assert warnings[0].startswith(f"warning: On test, {said}")
    assert warnings[1].startswith(f"warning: On calibration, {said}")
    headline = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())
    assert headline["exp1"]["log_loss"] > 0 and headline["exp1"]["log_loss_noise"] is None
    details = json.loads((tmp_path / "metrics" / "evaluation_details.json").read_text())
    assert f"warning: {details['warnings'][0]}" == warnings[0]
    assert details["models"]["exp1"]["log_loss"]["low"] is None


@pytest.mark.parametrize("simulated", [True, False])
def test_stage_writes_every_file(tmp_path, monkeypatch, capsys, simulated):
    truth, predictions = simulate(300)
    truth = truth if simulated else without_oracle(truth)
    write_inputs(tmp_path, truth)
    asked = predict_with(predictions["exp1"], monkeypatch)
    monkeypatch.chdir(tmp_path)
    params = (tmp_path / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("seeds: []", "seeds: [3, 4]"))
    runpy.run_module("stages.evaluate", run_name="__main__")
    experiments = load_params().experiments
    folders = [(f"models/{name}{part}", name) for name in experiments for part in ("", "/seed-4")]
    assert asked == folders
    assert "warning" not in capsys.readouterr().err
    headline = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())
    names = {*experiments, "blend", "prior", "length", "tfidf"} | (
        {"oracle"} if simulated else set()
    )
    assert set(headline) == names
    details = json.loads((tmp_path / "metrics" / "evaluation_details.json").read_text())
    assert details["simulated"] == simulated
    assert details["models"]["exp1"]["seeds"] == 2
    assert details["weights"]["exp1"] == ["hash of models/exp1", "hash of models/exp1/seed-4"]
    assert details["averages_both_orders"] is False
    assert details["near_duplicates"]["rows"] == 1
    assert details["blend"]["weights"].keys() == set(load_params().evaluation.blend)
    truncated = {
        one["part"]: one["rows"] for one in details["slices"] if one["slice"] == "truncated"
    }
    assert truncated == {"no": 149, "yes": 1}
    for split, ids in (("calibration", truth.ids[:150]), ("test", truth.ids[150:])):
        folder = tmp_path / "data" / "predictions" / split
        scored = names - {"oracle"} | {f"{name}-2" for name in experiments}
        assert {file.stem for file in folder.iterdir()} == scored
        assert pq.read_table(folder / "exp1-2.parquet")["id"].to_pylist() == ids.tolist()
    written = pq.read_table(folder / "exp1.parquet")
    probabilities = np.column_stack([written[f"p_{label}"] for label in ("A", "B", "tie")])
    (temperature, _) = details["models"]["exp1"]["temperature"]
    raw = predictions["exp1"].probabilities[150:]
    logits = np.log(raw) / temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert probabilities == pytest.approx(expected, abs=1e-5)
    loss = sklearn_metrics.log_loss(truth.labels[150:], probabilities)
    assert headline["exp1"]["log_loss"] == pytest.approx(loss, abs=1e-6)
    hardest = json.loads((tmp_path / "data" / "predictions" / "hardest.json").read_text())
    assert [one["log_loss"] for one in hardest] == sorted(
        (one["log_loss"] for one in hardest), reverse=True
    )
    assert set(hardest[0]["prompt"]) == {"a question"}
    plots = tmp_path / "metrics" / "plots"
    assert {file.stem for file in (plots / "confusion").iterdir()} == names
    assert (plots / "log_loss.csv").exists()
