"""The metrics of models agree with scikit-learn."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from simulated_models import (
    PARAMS,
    as_models,
    evaluate,
    log_odds_of,
    make_predictions,
    simulate,
)
from sklearn import metrics as sklearn_metrics

from preference.evaluation.evaluate import with_oracle
from preference.evaluation.outputs import write_plots
from preference.evaluation.slices import Slice

HEADLINE = ["log_loss", "accuracy", "f1_macro", "flip_rate"]


def test_headline_is_scikit_learns():
    targets, predictions = simulate(200)
    headline, details = evaluate(targets, predictions)
    assert set(headline) == {"exp1", "length", "prior", "oracle"}
    for name, prediction in predictions.items():
        predicted = prediction.probabilities.argmax(axis=1)
        f1 = sklearn_metrics.f1_score(
            targets.labels, predicted, labels=[0, 1, 2], average="macro", zero_division=0
        )
        expected = {
            "log_loss": sklearn_metrics.log_loss(targets.labels, prediction.probabilities),
            "accuracy": sklearn_metrics.accuracy_score(targets.labels, predicted),
            "f1_macro": f1,
            "flip_rate": 0,
        }
        assert {metric: headline[name][metric] for metric in HEADLINE} == pytest.approx(expected)
        for metric in ("log_loss", "accuracy", "f1_macro"):
            estimate = details["models"][name][metric]
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert [name for name in headline if "log_loss_noise" in headline[name]] == ["exp1"]
    assert list(headline["oracle"]) == HEADLINE


def test_position_bias_is_measured_on_the_swapped_predictions():
    targets, predictions = simulate(100)
    model = predictions["exp1"]
    half = np.vstack([model.swapped[:50], model.swapped[50:, [1, 0, 2]]])
    headline, details = evaluate(targets, predictions | {"exp1": replace(model, swapped=half)})
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


def test_experiments_are_compared_with_the_first_and_with_the_best_reference_on_calibration():
    targets, predictions = simulate(1000)
    noise = np.random.default_rng(2).normal(scale=0.1, size=1000)
    odds = log_odds_of(targets)
    experiments = {
        "baseline": predictions["length"],
        "exp1": [make_predictions(targets.ids, factor * odds) for factor in (1.0, 1.01)],
        "exp2": make_predictions(targets.ids, odds + noise),
    }
    _, details = evaluate(
        targets, experiments | {name: predictions[name] for name in ("prior", "length")}
    )
    assert details["best_reference"] == "length"
    assert list(details["differences"]["baseline"]) == ["exp1", "exp2"]
    assert details["differences"]["baseline"]["exp1"]["p_holm"] < 0.001
    # The baseline is the reference's copy.
    assert details["differences"]["reference"]["baseline"]["p_holm"] == 1


def test_several_seeds_are_averaged_and_their_variance_is_measured():
    targets, predictions = simulate(600)
    odds = log_odds_of(targets)
    trainings = [make_predictions(targets.ids, odds * sharpness) for sharpness in (0.4, 0.7, 1.0)]
    headline, details = evaluate(targets, predictions | {"exp1": trainings})
    losses = [sklearn_metrics.log_loss(targets.labels, one.probabilities) for one in trainings]
    assert headline["exp1"]["log_loss"] == pytest.approx(np.mean(losses))
    model = details["models"]["exp1"]
    assert model["seeds"] == 3
    assert model["seed_sd"] == pytest.approx(np.std(losses, ddof=1))
    assert details["training_noise"] == {
        "deviation": pytest.approx(np.std(losses, ddof=1)),
        "freedom": 2,
        "runs": {"exp1": 3},
    }
    alike = [trainings[2], make_predictions(targets.ids, odds * 0.99)]
    quiet, _ = evaluate(targets, predictions | {"exp1": alike})
    assert headline["exp1"]["log_loss_noise"] > quiet["exp1"]["log_loss_noise"] > 0


def test_the_noise_of_a_change_is_at_least_the_smallest_difference_that_matters():
    targets, predictions = simulate(600)
    odds = log_odds_of(targets)
    runs = [make_predictions(targets.ids, odds * sharpness) for sharpness in (0.99, 1.0)]
    models = predictions | {"exp1": runs}
    noise = evaluate(targets, models)[0]["exp1"]["log_loss_noise"]
    for smallest, expected in ((noise / 2, noise), (2 * noise, 2 * noise)):
        headline, _ = evaluate(
            targets, models, params=replace(PARAMS, smallest_difference=smallest)
        )
        assert headline["exp1"]["log_loss_noise"] == expected


def test_nothing_is_tested_where_the_noise_of_training_is_unknown():
    targets, predictions = simulate(600)
    headline, details = evaluate(targets, predictions)
    assert details["training_noise"] is None
    assert details["models"]["exp1"]["seed_sd"] is None
    assert headline["exp1"]["log_loss_noise"] is None
    against = details["differences"]["reference"]["exp1"]
    assert against["high"] < 0
    assert against["p"] is against["p_holm"] is None


def test_the_noise_of_one_experiment_is_assumed_of_another_and_of_their_difference():
    targets, predictions = simulate(600)
    odds = log_odds_of(targets)
    once = make_predictions(targets.ids, odds + 0.1)
    runs = [make_predictions(targets.ids, odds * factor) for factor in (0.5, 1.0)]
    _, details = evaluate(targets, {**predictions, "exp1": runs, "exp2": once})
    _, without = evaluate(targets, {**predictions, "exp1": runs[:1], "exp2": once})
    width = {}
    for name, found in (("with", details), ("without", without)):
        estimate = found["models"]["exp2"]["log_loss"]
        width[name] = estimate["high"] - estimate["low"]
    assert width["with"] > 2 * width["without"]
    deviation = details["training_noise"]["deviation"]
    difference = details["differences"]["baseline"]["exp2"]
    # A single run against the mean of two: the variances add up.
    assert difference["standard_error"] > deviation * np.sqrt(1 + 1 / 2)


def test_slices_have_the_metrics_of_their_battles():
    targets, predictions = simulate(400)
    members = np.arange(400) < 130
    parts = [Slice("part", "first", members), Slice("part", "few", np.arange(400) >= 390)]
    _, details = evaluate(targets, predictions, parts)
    first, few = details["slices"]
    assert (first["slice"], first["part"], first["rows"], first["groups"]) == (
        "part",
        "first",
        130,
        65,
    )
    assert (first["few"], few["few"]) == (False, True)
    expected = sklearn_metrics.log_loss(
        targets.labels[members], predictions["exp1"].probabilities[members], labels=[0, 1, 2]
    )
    estimate = first["models"]["exp1"]["log_loss"]
    assert estimate["value"] == pytest.approx(expected)
    assert estimate["low"] < expected < estimate["high"]
    hits = predictions["exp1"].probabilities[members].argmax(axis=1) == targets.labels[members]
    assert first["models"]["exp1"]["accuracy"]["value"] == pytest.approx(hits.mean())


def test_the_same_seed_gives_the_same_details():
    targets, predictions = simulate(100)
    assert evaluate(targets, predictions) == evaluate(targets, predictions)


def test_plots_hold_every_battle_and_every_model(tmp_path):
    targets, predictions = simulate(60)
    headline, details = evaluate(targets, predictions)
    models = with_oracle(as_models(targets, predictions), targets, targets)
    losses = {name: figures["log_loss"] for name, figures in headline.items()}
    first = {name: model.scored[0].test for name, model in models.items()}
    write_plots(first, targets.labels, losses, tmp_path)
    with (tmp_path / "log_loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["model"]: float(row["log_loss"]) for row in rows} == pytest.approx(losses, abs=1e-6)
    for name in models:
        with (tmp_path / "confusion" / f"{name}.csv").open() as file:
            pairs = [(row["actual"], row["predicted"]) for row in csv.DictReader(file)]
        counts = [[pairs.count((a, p)) for p in ("A", "B", "tie")] for a in ("A", "B", "tie")]
        assert counts == details["models"][name]["confusion"]


def test_log_loss_without_near_duplicates_is_that_of_the_others():
    targets, predictions = simulate(400)
    near = np.arange(400) % 5 == 0
    _, details = evaluate(replace(targets, near_duplicate=near), predictions)
    assert (details["near_duplicates"]["rows"], details["near_duplicates"]["rate"]) == (80, 0.2)
    without = details["near_duplicates"]["log_loss_without"]
    assert set(without) == {"exp1", "length", "prior", "oracle"}
    for name, prediction in predictions.items():
        expected = sklearn_metrics.log_loss(targets.labels[~near], prediction.probabilities[~near])
        assert without[name]["value"] == pytest.approx(expected)
        assert without[name]["low"] < expected < without[name]["high"]


@pytest.mark.parametrize("near", [False, True])
def test_no_log_loss_without_near_duplicates_where_none_or_all_are(near):
    targets, predictions = simulate(100)
    _, details = evaluate(replace(targets, near_duplicate=np.full(100, near)), predictions)
    expected = {"rows": 100 * near, "rate": float(near), "log_loss_without": None}
    assert details["near_duplicates"] == expected
