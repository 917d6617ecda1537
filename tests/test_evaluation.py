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
from sklearn import metrics as sklearn_metrics

from preference.battles import BATTLE_SCHEMA, SEGMENTS, SIMULATED_SCHEMA
from preference.errors import BadInput
from preference.evaluation import evaluate_models, with_oracle
from preference.evaluation_plots import write_plots
from preference.params import EvaluationParams, ReferenceParams, load_params
from preference.predictions import Predictions
from preference.references import fit_reference, save_reference
from preference.scored_models import score_models
from preference.slices import Slice
from preference.token_writer import SegmentWriter, save_index
from preference.tokens import SpecialTokens
from preference.trainings import Model, Training
from preference.truth import Truth

REPOSITORY = Path(__file__).parents[1]
PARAMS = EvaluationParams(resamples=300, both_orders=False, blend=[])
HEADLINE = ["log_loss", "accuracy", "f1_macro", "flip_rate"]


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


def as_models(predictions):
    """Take each for one training, or a list for several, whose temperatures need no change."""
    models = {}
    for name, ones in predictions.items():
        ones = ones if isinstance(ones, list) else [ones]
        trainings = [Training(calibration=one, test=one) for one in ones]
        models[name] = Model(trainings, trainings, [1.0] * len(trainings))
    return models


def evaluate(truth, predictions, slices=(), params=PARAMS):
    """The test battles are the calibration battles as well."""
    arms = [name for name in predictions if name not in ("length", "prior")]
    return evaluate_models(as_models(predictions), arms, truth, truth, slices, params, seed=1)


def test_headline_is_scikit_learns():
    truth, predictions = simulate(200)
    headline, details = evaluate(truth, predictions)
    assert set(headline) == {"exp1", "length", "prior", "oracle"}
    for name, prediction in predictions.items():
        predicted = prediction.probabilities.argmax(axis=1)
        f1 = sklearn_metrics.f1_score(
            truth.labels, predicted, labels=[0, 1, 2], average="macro", zero_division=0
        )
        expected = {
            "log_loss": sklearn_metrics.log_loss(truth.labels, prediction.probabilities),
            "accuracy": sklearn_metrics.accuracy_score(truth.labels, predicted),
            "f1_macro": f1,
            "flip_rate": 0,
        }
        assert {metric: headline[name][metric] for metric in HEADLINE} == pytest.approx(expected)
        for metric in ("log_loss", "accuracy", "f1_macro"):
            estimate = details["models"][name][metric]
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert [name for name in headline if "log_loss_noise" in headline[name]] == ["exp1"]
    assert list(headline["oracle"]) == HEADLINE


def test_real_data_give_the_same_figures_and_claim_nothing_about_the_truth():
    truth, predictions = simulate(200)
    headline, _ = evaluate(truth, predictions)
    real, details = evaluate(without_oracle(truth), predictions)
    assert real == {name: headline[name] for name in predictions}
    assert not details["simulated"]
    assert "regret" not in details["models"]["exp1"]
    assert details["models"]["exp1"]["calibration"]["truth"] is None
    assert set(details["differences"]) == {"baseline", "reference"}
    assert "agreement_differences" not in details


def test_order_is_read_from_the_swapped_predictions():
    truth, predictions = simulate(100)
    model = predictions["exp1"]
    half = np.vstack([model.swapped[:50], model.swapped[50:, [1, 0, 2]]])
    headline, details = evaluate(truth, predictions | {"exp1": replace(model, swapped=half)})
    second = np.arange(100) >= 50
    # A tie stays a tie when the other two change places.
    flips = np.mean(second & (model.probabilities.argmax(axis=1) != 2))
    assert headline["exp1"]["flip_rate"] == flips > 0
    gap = np.abs(model.probabilities[:, 0] - model.probabilities[:, 1])
    expected = np.mean(second * 2 * gap / 3)
    assert details["models"]["exp1"]["swap_difference"]["value"] == pytest.approx(expected)
    averaged = details["models"]["exp1"]["both_orders"]
    # Half of the battles lose all that the model knows of the winner.
    assert averaged["gain"]["high"] < 0
    assert averaged["log_loss"]["value"] == pytest.approx(
        headline["exp1"]["log_loss"] - averaged["gain"]["value"]
    )


def test_details_of_simulated_data_tell_what_each_model_sees():
    truth, predictions = simulate(3000)
    _, details = evaluate(truth, predictions)
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


def test_realised_gap_to_the_oracle_covers_the_regret():
    truth, predictions = simulate(3000)
    _, details = evaluate(truth, predictions)
    for name in ("length", "prior"):
        gap = details["differences"]["oracle"][name]
        assert gap["low"] < details["models"][name]["regret"] < gap["high"]
        assert details["models"][name]["regret_covered"]


def test_no_battle_decided_by_agreement_gives_no_figure():
    truth, predictions = simulate(100)
    _, details = evaluate(replace(truth, agreement=np.zeros(100)), predictions)
    assert details["models"]["exp1"]["log_loss_agreement"] is None
    assert details["models"]["exp1"]["rows_agreement"] == 0
    assert details["agreement_differences"] == {}


def test_models_are_compared_where_agreement_decides():
    truth, predictions = simulate(2000)
    _, details = evaluate(truth, predictions)
    sees_it = details["agreement_differences"]["exp1"]
    assert sees_it["high"] < 0
    surface = np.log(truth.oracle[:, 0] / truth.oracle[:, 1]) - truth.agreement
    rows = np.flatnonzero(np.abs(truth.agreement) > np.abs(surface))
    losses = [
        -np.log(predictions[name].probabilities[rows, truth.labels[rows]])
        for name in ("exp1", "length")
    ]
    assert sees_it["value"] == pytest.approx((losses[0] - losses[1]).mean())


def test_arms_are_compared_with_the_first_and_with_the_reference_that_calibration_chose():
    truth, predictions = simulate(1000)
    noise = np.random.default_rng(2).normal(scale=0.1, size=1000)
    odds = np.log(truth.oracle[:, 0] / truth.oracle[:, 1])
    arms = {
        "baseline": predictions["length"],
        "exp1": predictions["exp1"],
        "exp2": make_predictions(truth.ids, odds + noise),
    }
    _, details = evaluate(truth, arms | {name: predictions[name] for name in ("prior", "length")})
    assert details["best_reference"] == "length"
    assert list(details["differences"]["baseline"]) == ["exp1", "exp2"]
    assert details["differences"]["baseline"]["exp1"]["p_holm"] < 0.001
    # The baseline is the reference's copy.
    assert details["differences"]["reference"]["baseline"]["p_holm"] == 1


def test_several_seeds_are_averaged_and_their_noise_is_told_apart():
    truth, predictions = simulate(600)
    odds = np.log(truth.oracle[:, 0] / truth.oracle[:, 1])
    trainings = [make_predictions(truth.ids, odds * sharpness) for sharpness in (0.4, 0.7, 1.0)]
    headline, details = evaluate(truth, predictions | {"exp1": trainings})
    losses = [sklearn_metrics.log_loss(truth.labels, one.probabilities) for one in trainings]
    assert headline["exp1"]["log_loss"] == pytest.approx(np.mean(losses))
    model = details["models"]["exp1"]
    assert model["seeds"] == 3
    assert model["seed_sd"] == pytest.approx(np.std(losses, ddof=1))
    once, only = evaluate(truth, predictions | {"exp1": trainings[:1]})
    assert only["models"]["exp1"]["seed_sd"] is None
    assert headline["exp1"]["log_loss_noise"] > once["exp1"]["log_loss_noise"]


def test_slices_have_the_figures_of_their_battles():
    truth, predictions = simulate(400)
    members = np.arange(400) < 130
    parts = [Slice("part", "first", members), Slice("part", "few", np.arange(400) >= 390)]
    _, details = evaluate(truth, predictions, parts)
    first, few = details["slices"]
    assert (first["slice"], first["part"], first["rows"], first["groups"]) == (
        "part",
        "first",
        130,
        65,
    )
    assert (first["few"], few["few"]) == (False, True)
    expected = sklearn_metrics.log_loss(
        truth.labels[members], predictions["exp1"].probabilities[members], labels=[0, 1, 2]
    )
    estimate = first["models"]["exp1"]["log_loss"]
    assert estimate["value"] == pytest.approx(expected)
    assert estimate["low"] < expected < estimate["high"]
    hits = predictions["exp1"].probabilities[members].argmax(axis=1) == truth.labels[members]
    assert first["models"]["exp1"]["accuracy"]["value"] == pytest.approx(hits.mean())


def test_the_same_seed_gives_the_same_details():
    truth, predictions = simulate(100)
    assert evaluate(truth, predictions) == evaluate(truth, predictions)


def score(truth, predictions, **params):
    raw = {name: [Training(one, one)] for name, one in predictions.items()}
    return score_models(raw, truth, truth, replace(PARAMS, **params))


def test_predictions_that_are_not_of_the_test_battles_are_refused():
    truth, predictions = simulate(20)
    model = predictions["exp1"]
    reordered = Predictions(model.ids[::-1], model.probabilities, model.swapped)
    unnormalised = replace(model, probabilities=model.probabilities * 1.01)
    negative = replace(model, probabilities=np.tile([-0.5, 0.5, 1.0], (20, 1)))
    diverged = replace(model, swapped=model.swapped * np.nan)
    for broken, reason in (
        (reordered, "exp2: .*not those of the split's battles"),
        (unnormalised, "exp2: .*not probabilities"),
        (negative, "exp2: .*not probabilities"),
        (diverged, "exp2: .*not probabilities"),
    ):
        with pytest.raises(BadInput, match=reason):
            score(truth, predictions | {"exp2": broken})


def test_a_single_group_is_refused():
    truth, predictions = simulate(20)
    with pytest.raises(BadInput, match=r"raise split\.test"):
        evaluate(replace(truth, groups=np.zeros(20)), predictions)


def test_an_overconfident_model_is_cooled_and_the_order_of_its_labels_kept():
    truth, predictions = simulate(4000)
    odds = np.log(truth.oracle[:, 0] / truth.oracle[:, 1])
    sharp = truth.oracle**3 / (truth.oracle**3).sum(axis=1, keepdims=True)
    predictions["exp2"] = Predictions(truth.ids, sharp, swapped=sharp)
    models, _ = score(truth, predictions)
    assert models["exp2"].temperatures == pytest.approx([3], rel=0.1)
    _, details = evaluate_models(models, ["exp1", "exp2"], truth, truth, [], PARAMS, seed=1)
    figures = details["models"]["exp2"]
    assert figures["temperature"] == models["exp2"].temperatures
    raw = sklearn_metrics.log_loss(truth.labels, sharp)
    assert figures["log_loss_uncalibrated"]["value"] == pytest.approx(raw)
    assert figures["log_loss"]["value"] < raw - 0.1
    assert figures["calibration"]["truth"] < 0.02
    assert np.sign(odds).tolist() == np.sign(sharp[:, 0] - sharp[:, 1]).tolist()


def test_both_orders_are_averaged_where_params_ask_for_it():
    truth, predictions = simulate(300)
    model = predictions["exp1"]
    biased = replace(model, swapped=np.full((300, 3), 1 / 3))
    models, _ = score(truth, {"exp1": biased}, both_orders=True)
    scored = models["exp1"].scored[0].test
    assert np.array_equal(scored.probabilities, scored.swapped)
    raw = models["exp1"].raw[0].test.probabilities
    assert raw == pytest.approx((model.probabilities + 1 / 3) / 2)


def test_a_blend_of_models_that_see_different_things_beats_both():
    random = np.random.default_rng(3)
    truth, predictions = simulate(4000)
    odds = np.log(truth.oracle[:, 0] / truth.oracle[:, 1])
    noisy = {
        name: make_predictions(truth.ids, odds + random.normal(scale=2, size=4000))
        for name in ("exp1", "exp2")
    }
    predictions |= noisy
    models, weights = score(truth, predictions, blend=["exp1", "exp2", "prior"])
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["exp1"] == pytest.approx(weights["exp2"], abs=0.15)
    assert weights["prior"] < 0.1
    headline, details = evaluate_models(
        models, ["exp1", "exp2", "blend"], truth, truth, [], PARAMS, seed=1
    )
    assert headline["blend"]["log_loss"] < headline["exp1"]["log_loss"] - 0.01
    assert details["differences"]["baseline"]["blend"]["p_holm"] < 0.01
    assert "log_loss_noise" in headline["blend"]


def test_a_blend_gives_a_model_that_knows_all_all_weight():
    truth, predictions = simulate(4000)
    _, weights = score(truth, predictions, blend=["exp1", "length", "prior"])
    assert weights["exp1"] == pytest.approx(1, abs=0.05)


def test_a_blend_of_unknown_models_is_refused():
    truth, predictions = simulate(20)
    with pytest.raises(BadInput, match=r"evaluation\.blend names exp9, but the models are exp1"):
        score(truth, predictions, blend=["exp9"])


def test_plots_hold_every_battle_and_every_model(tmp_path):
    truth, predictions = simulate(60)
    headline, details = evaluate(truth, predictions)
    models = with_oracle(as_models(predictions), truth, truth)
    losses = {name: figures["log_loss"] for name, figures in headline.items()}
    first = {name: model.scored[0].test for name, model in models.items()}
    write_plots(first, truth.labels, losses, tmp_path)
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
        "source": ["drawn"] * count,
    }
    schema = BATTLE_SCHEMA
    if truth.oracle is not None:
        columns |= {"oracle": truth.oracle.tolist(), "oracle_agreement": truth.agreement}
        schema = SIMULATED_SCHEMA
    battles = pa.table(columns, schema=schema)
    (folder / "data" / "split").mkdir(parents=True)
    pq.write_table(battles.take(np.arange(count)[::-1]), folder / "data" / "battles.parquet")
    split = pa.table({"id": truth.ids, "group": truth.groups})
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


@pytest.mark.parametrize("simulated", [True, False])
def test_stage_writes_every_file(tmp_path, monkeypatch, simulated):
    truth, predictions = simulate(300)
    truth = truth if simulated else without_oracle(truth)
    write_inputs(tmp_path, truth)
    asked = []

    def predict_saved(folder, splits, name):
        asked.append((folder.as_posix(), name))
        assert [len(ids) for ids in splits] == [150, 150]
        model = predictions["exp1"]
        rows = [np.searchsorted(model.ids, ids) for ids in splits]
        return [
            Predictions(ids, model.probabilities[row], model.swapped[row])
            for ids, row in zip(splits, rows, strict=True)
        ]

    stub = SimpleNamespace(predict_saved=predict_saved)
    monkeypatch.setitem(sys.modules, "preference.bundle_prediction", stub)
    monkeypatch.setattr("preference.manifest.weights_hash", lambda folder: f"hash of {folder}")
    monkeypatch.chdir(tmp_path)
    params = (tmp_path / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("seeds: []", "seeds: [3, 4]"))
    runpy.run_module("stages.evaluate", run_name="__main__")
    experiments = load_params().experiments
    folders = [(f"models/{name}{part}", name) for name in experiments for part in ("", "/seed-4")]
    assert asked == folders
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
