import csv
import json
import runpy
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preference.battles import BATTLE_SCHEMA, SIMULATED_SCHEMA
from preference.errors import BadInput
from preference.evaluation import Truth, evaluate_models, with_oracle
from preference.evaluation_plots import write_plots
from preference.evaluation_summary import summarize
from preference.params import ReferenceParams, load_params
from preference.predictions import Predictions
from preference.references import fit_reference, save_reference

REPOSITORY = Path(__file__).parents[1]
REFERENCES = ("prior", "length")


def probabilities_of(log_odds):
    exponentials = np.exp(
        np.column_stack([log_odds / 2, -log_odds / 2, np.full(len(log_odds), -0.2)])
    )
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def simulate(rows, seed=0, scale=2.0):
    """Return the truth, and models that see all of it, its surface, or nothing."""
    random = np.random.default_rng(seed)
    surface, agreement = random.normal(scale=scale, size=(2, rows))
    oracle = probabilities_of(surface + agreement)
    labels = (random.random((rows, 1)) > oracle.cumsum(axis=1)).sum(axis=1)
    ids = np.arange(rows) + 10
    truth = Truth(ids, labels, np.arange(rows) // 2, oracle, agreement)
    seen = {"exp1": surface + agreement, "length": surface, "prior": np.zeros(rows)}
    return truth, {name: make_predictions(ids, odds) for name, odds in seen.items()}


def make_predictions(ids, log_odds):
    probabilities = probabilities_of(log_odds)
    return Predictions(ids, probabilities, swapped=probabilities)


def without_oracle(truth):
    return replace(truth, oracle=None, agreement=None)


def test_headline_has_four_figures_for_each_model_and_the_oracle():
    truth, predictions = simulate(200)
    headline, _ = evaluate_models(predictions, truth)
    assert set(headline) == {"exp1", "length", "prior", "oracle"}
    for figures in headline.values():
        assert list(figures) == ["log_loss", "accuracy", "f1_macro", "flip_rate"]
    assert headline["oracle"] == pytest.approx(headline["exp1"])
    assert headline["oracle"]["flip_rate"] == 0
    real, _ = evaluate_models(predictions, without_oracle(truth))
    assert real == {name: headline[name] for name in predictions}


def test_flips_are_read_from_the_swapped_predictions():
    truth, predictions = simulate(100)
    model = predictions["exp1"]
    flipped = replace(model, swapped=np.vstack([model.swapped[:50], model.swapped[50:, [1, 0, 2]]]))
    headline, _ = evaluate_models({"exp1": flipped}, truth)
    # A tie stays a tie when the other two change places.
    expected = np.mean((np.arange(100) >= 50) & (model.probabilities.argmax(axis=1) != 2))
    assert headline["exp1"]["flip_rate"] == expected > 0


def test_details_of_simulated_data_tell_what_each_model_sees():
    truth, predictions = simulate(3000)
    _, details = evaluate_models(predictions, truth)
    models = details["models"]
    assert (details["simulated"], details["rows"], details["groups"]) == (True, 3000, 1500)
    assert models["exp1"]["regret"] == pytest.approx(0, abs=1e-12)
    assert models["length"]["regret"] < models["prior"]["regret"]
    assert models["exp1"]["agreement_recovered"] == pytest.approx(1)
    assert models["length"]["agreement_recovered"] == pytest.approx(0, abs=1e-9)
    assert models["length"]["surface_recovered"] == pytest.approx(1)
    assert models["length"]["rows_agreement"] == pytest.approx(1500, abs=150)
    assert models["length"]["log_loss_agreement"] > models["exp1"]["log_loss_agreement"]
    assert sum(map(sum, models["prior"]["confusion"])) == 3000
    json.dumps(details, allow_nan=False)


def test_realised_gap_to_the_oracle_agrees_with_the_regret():
    truth, predictions = simulate(3000)
    _, details = evaluate_models(predictions, truth)
    for name in ("length", "prior"):
        gap = details["log_loss_differences"][name]["oracle"]
        assert gap["standard_error"] > 0
        assert abs(gap["mean"] - details["models"][name]["regret"]) < 4 * gap["standard_error"]


def test_details_without_an_oracle_claim_nothing_about_it():
    truth, predictions = simulate(100)
    _, details = evaluate_models(predictions, without_oracle(truth))
    assert not details["simulated"]
    assert "regret" not in details["models"]["exp1"]
    assert "oracle" not in details["log_loss_differences"]


def test_no_battle_decided_by_agreement_gives_no_figure():
    truth, predictions = simulate(100)
    _, details = evaluate_models(predictions, replace(truth, agreement=np.zeros(100)))
    assert details["models"]["exp1"]["log_loss_agreement"] is None
    assert details["models"]["exp1"]["rows_agreement"] == 0


def test_predictions_that_are_not_of_the_test_battles_are_refused():
    truth, predictions = simulate(20)
    model = predictions["exp1"]
    reordered = Predictions(model.ids[::-1], model.probabilities, model.swapped)
    unnormalised = replace(model, probabilities=model.probabilities * 1.01)
    negative = replace(model, probabilities=np.tile([-0.5, 0.5, 1.0], (20, 1)))
    diverged = replace(model, swapped=model.swapped * np.nan)
    for broken, reason in (
        (reordered, "exp2: .*not those of the test battles"),
        (unnormalised, "exp2: .*not probabilities"),
        (negative, "exp2: .*not probabilities"),
        (diverged, "exp2: .*not probabilities"),
    ):
        with pytest.raises(BadInput, match=reason):
            evaluate_models(predictions | {"exp2": broken}, truth)
    with pytest.raises(BadInput, match=r"raise split\.test"):
        evaluate_models(predictions, replace(truth, groups=np.zeros(20)))


def write_summary(truth, predictions):
    return summarize(*evaluate_models(predictions, truth), REFERENCES)


def test_summary_of_many_rows_is_sure_and_says_that_they_are_simulated():
    truth, predictions = simulate(3000)
    predictions["exp2"] = predictions["length"]
    summary = write_summary(truth, predictions)
    assert "**Simulated battles**" in summary
    assert "3,000 test rows in 1,500 groups" in summary
    assert "Best experiment: **exp1**; it beats every other" in summary
    assert "exp1 beats it (" in summary
    assert "exp2 cannot be told apart from it" in summary
    (line,) = (line for line in summary.splitlines() if "exp1: regret" in line)
    assert "exp1: regret 0.0000 (with these labels +0.0000 ± 0.0000), 100% of the way" in line
    assert "prior: regret" in summary
    assert "look for a leak" not in summary
    table = [line.split()[1] for line in summary.splitlines() if line.startswith("| ")]
    assert table[0] == "model"
    assert table[-1] == "prior"


def test_summary_of_few_rows_says_that_the_differences_are_noise():
    truth, predictions = simulate(150, scale=0.3)
    ids = truth.ids
    noise = np.random.default_rng(1).normal(scale=0.05, size=150)
    predictions["exp2"] = make_predictions(ids, np.log(odds_of(predictions["exp1"])) + noise)
    summary = write_summary(without_oracle(truth), predictions)
    assert "Real battles: 150 test rows" in summary
    assert "may be as good: the differences are within noise" in summary
    assert "cannot be told apart from it" in summary
    assert "oracle" not in summary
    assert "beats" not in summary


def odds_of(prediction):
    return prediction.probabilities[:, 0] / prediction.probabilities[:, 1]


def test_summary_suspects_a_model_that_beats_the_truth():
    truth, predictions = simulate(500)
    knows_labels = 0.1 + 0.7 * np.eye(3)[truth.labels]
    predictions["exp2"] = Predictions(truth.ids, knows_labels, knows_labels)
    summary = write_summary(truth, predictions)
    assert "**exp2 is better than the truth by more than chance explains" in summary
    assert "exp1 is better than the truth" not in summary


def test_summary_says_when_an_experiment_is_worse_than_a_reference():
    truth, predictions = simulate(3000)
    predictions = {"exp1": predictions["prior"], "length": predictions["length"]}
    summary = write_summary(truth, predictions)
    assert "exp1 is worse: not worth its cost" in summary
    assert "The one experiment is exp1" in summary


def test_summary_says_which_experiments_only_match_the_prior():
    truth, predictions = simulate(3000)
    predictions["exp2"] = predictions["prior"]
    assert "- exp2 does not beat guessing the class shares" in write_summary(truth, predictions)
    del predictions["exp2"]
    assert "guessing" not in write_summary(truth, predictions)


def test_models_are_compared_where_agreement_decides():
    truth, predictions = simulate(2000)
    _, details = evaluate_models(predictions, truth)
    sees_it = details["agreement_differences"]["exp1"]["length"]
    assert sees_it["mean"] < -5 * sees_it["standard_error"]
    surface = np.log(truth.oracle[:, 0] / truth.oracle[:, 1]) - truth.agreement
    decided = np.abs(truth.agreement) > np.abs(surface)
    rows = np.flatnonzero(decided)
    losses = [
        -np.log(predictions[name].probabilities[rows, truth.labels[rows]])
        for name in ("exp1", "length")
    ]
    assert sees_it["mean"] == pytest.approx((losses[0] - losses[1]).mean())
    summary = write_summary(truth, predictions)
    assert f"On the {len(rows):,} battles that the agreement" in summary
    assert "exp1 beats length (" in summary


def test_plots_hold_every_battle_and_every_model(tmp_path):
    truth, predictions = simulate(60)
    headline, details = evaluate_models(predictions, truth)
    models = with_oracle(predictions, truth)
    losses = {name: figures["log_loss"] for name, figures in headline.items()}
    write_plots(models, truth.labels, losses, tmp_path)
    with (tmp_path / "log_loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["model"]: float(row["log_loss"]) for row in rows} == pytest.approx(losses, abs=1e-6)
    for name in models:
        with (tmp_path / "confusion" / f"{name}.csv").open() as file:
            pairs = [(row["actual"], row["predicted"]) for row in csv.DictReader(file)]
        counts = [[pairs.count((a, p)) for p in ("A", "B", "tie")] for a in ("A", "B", "tie")]
        assert counts == details["models"][name]["confusion"]


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
    }
    schema = BATTLE_SCHEMA
    if truth.oracle is not None:
        columns |= {"oracle": truth.oracle.tolist(), "oracle_agreement": truth.agreement}
        schema = SIMULATED_SCHEMA
    battles = pa.table(columns, schema=schema)
    (folder / "data" / "split").mkdir(parents=True)
    pq.write_table(battles.take(np.arange(count)[::-1]), folder / "data" / "battles.parquet")
    split = pa.table({"id": truth.ids, "group": truth.groups})
    pq.write_table(split, folder / "data" / "split" / "test.parquet")
    params = ReferenceParams(max_features=50, inverse_regularization=0.1)
    for name in ("prior", "length", "tfidf"):
        save_reference(fit_reference(name, battles, params), folder / "models" / "reference")
    shutil.copy(REPOSITORY / "params.yaml", folder)


@pytest.mark.parametrize("simulated", [True, False])
def test_stage_writes_every_file(tmp_path, monkeypatch, simulated):
    truth, predictions = simulate(150)
    truth = truth if simulated else without_oracle(truth)
    write_inputs(tmp_path, truth)
    asked = []

    def predict_saved(folder, ids):
        assert ids.tolist() == truth.ids.tolist()
        asked.append(folder.as_posix())
        return predictions["exp1"]

    stub = SimpleNamespace(predict_saved=predict_saved)
    monkeypatch.setitem(sys.modules, "preference.prediction", stub)
    monkeypatch.chdir(tmp_path)
    runpy.run_module("stages.evaluate", run_name="__main__")
    experiments = load_params().experiments
    assert asked == [f"models/{name}" for name in experiments]
    headline = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())
    names = {*experiments, "prior", "length", "tfidf"} | ({"oracle"} if simulated else set())
    assert set(headline) == names
    expected, _ = evaluate_models({"exp1": predictions["exp1"]}, truth)
    assert headline["exp1"] == pytest.approx(expected["exp1"], abs=1e-6)
    details = json.loads((tmp_path / "metrics" / "evaluation_details.json").read_text())
    assert details["simulated"] == simulated
    assert ("Simulated" in (tmp_path / "metrics" / "summary.md").read_text()) == simulated
    written = pq.read_table(tmp_path / "data" / "predictions" / "test" / "exp1.parquet")
    assert written["id"].to_pylist() == truth.ids.tolist()
    assert written["p_tie"].to_pylist() == predictions["exp1"].probabilities[:, 2].tolist()
    assert written["swapped_p_A"].to_pylist() == predictions["exp1"].swapped[:, 0].tolist()
    plots = tmp_path / "metrics" / "plots"
    assert {file.stem for file in (plots / "confusion").iterdir()} == names
    assert (plots / "log_loss.csv").exists()
