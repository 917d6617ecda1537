"""The figures of evaluated models are those of scikit-learn, and tell what a model sees."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from simulated_models import (
    as_models,
    evaluate,
    log_odds_of,
    make_predictions,
    simulate,
    without_agreement,
    without_oracle,
)
from sklearn import metrics as sklearn_metrics

from preference.battles.predictions import Predictions
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


def test_real_data_give_the_same_figures_and_claim_nothing_about_the_truth():
    targets, predictions = simulate(200)
    headline, _ = evaluate(targets, predictions)
    real, details = evaluate(without_oracle(targets), predictions)
    assert real == {name: headline[name] for name in predictions}
    assert not details["simulated"]
    assert "regret" not in details["models"]["exp1"]
    assert details["models"]["exp1"]["calibration"]["truth"] is None
    assert set(details["differences"]) == {"baseline", "reference"}
    assert "agreement_differences" not in details


def test_order_is_read_from_the_swapped_predictions():
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


def test_details_of_simulated_data_tell_what_each_model_sees():
    targets, predictions = simulate(3000)
    _, details = evaluate(targets, predictions)
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
    targets, predictions = simulate(3000)
    _, details = evaluate(targets, predictions)
    for name in ("length", "prior"):
        gap = details["differences"]["oracle"][name]
        assert gap["low"] < details["models"][name]["regret"] < gap["high"]
        assert details["models"][name]["regret_covered"]


def test_no_battle_decided_by_agreement_gives_no_figure():
    targets, predictions = simulate(100)
    _, details = evaluate(without_agreement(targets), predictions)
    assert details["models"]["exp1"]["log_loss_agreement"] is None
    assert details["models"]["exp1"]["rows_agreement"] == 0
    assert details["agreement_differences"] == {}


def test_models_are_compared_where_agreement_decides():
    targets, predictions = simulate(2000)
    _, details = evaluate(targets, predictions)
    sees_it = details["agreement_differences"]["exp1"]
    assert sees_it["high"] < 0
    surface = log_odds_of(targets) - targets.oracle.agreement
    rows = np.flatnonzero(np.abs(targets.oracle.agreement) > np.abs(surface))
    losses = [
        -np.log(predictions[name].probabilities[rows, targets.labels[rows]])
        for name in ("exp1", "length")
    ]
    assert sees_it["value"] == pytest.approx((losses[0] - losses[1]).mean())


def test_arms_are_compared_with_the_first_and_with_the_reference_that_calibration_chose():
    targets, predictions = simulate(1000)
    noise = np.random.default_rng(2).normal(scale=0.1, size=1000)
    odds = log_odds_of(targets)
    arms = {
        "baseline": predictions["length"],
        "exp1": predictions["exp1"],
        "exp2": make_predictions(targets.ids, odds + noise),
    }
    _, details = evaluate(targets, arms | {name: predictions[name] for name in ("prior", "length")})
    assert details["best_reference"] == "length"
    assert list(details["differences"]["baseline"]) == ["exp1", "exp2"]
    assert details["differences"]["baseline"]["exp1"]["p_holm"] < 0.001
    # The baseline is the reference's copy.
    assert details["differences"]["reference"]["baseline"]["p_holm"] == 1


def test_several_seeds_are_averaged_and_their_noise_is_told_apart():
    targets, predictions = simulate(600)
    odds = log_odds_of(targets)
    trainings = [make_predictions(targets.ids, odds * sharpness) for sharpness in (0.4, 0.7, 1.0)]
    headline, details = evaluate(targets, predictions | {"exp1": trainings})
    losses = [sklearn_metrics.log_loss(targets.labels, one.probabilities) for one in trainings]
    assert headline["exp1"]["log_loss"] == pytest.approx(np.mean(losses))
    model = details["models"]["exp1"]
    assert model["seeds"] == 3
    assert model["seed_sd"] == pytest.approx(np.std(losses, ddof=1))
    once, only = evaluate(targets, predictions | {"exp1": trainings[:1]})
    assert only["models"]["exp1"]["seed_sd"] is None
    assert headline["exp1"]["log_loss_noise"] > once["exp1"]["log_loss_noise"]


def test_slices_have_the_figures_of_their_battles():
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


def bounds_in(details):
    """Every pair of bounds, however deep."""
    if isinstance(details, dict):
        if "low" in details:
            yield details["low"], details["high"]
        for value in details.values():
            yield from bounds_in(value)
    elif isinstance(details, list):
        for value in details:
            yield from bounds_in(value)


def grouped(targets, sizes):
    return replace(targets, groups=np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([200], "1 group of battles is too few"),
        ([100, 100], "2 groups of battles are too few"),
        ([8] * 25, "25 groups of battles are too few"),
        ([110] + [1] * 90, "91 groups of battles, the largest with 55% of the battles, are worth"),
    ],
)
def test_too_few_groups_have_figures_without_intervals_and_judge_nothing(sizes, said):
    targets, predictions = simulate(200)
    parts = [Slice("part", "first", np.arange(200) < 110)]
    headline, details = evaluate(grouped(targets, sizes), predictions, parts)
    assert set(bounds_in(details)) == {(None, None)}
    assert details["models"]["exp1"]["log_loss"]["value"] == headline["exp1"]["log_loss"] > 0
    assert headline["exp1"]["log_loss_noise"] is None
    for differences in (*details["differences"].values(), details["agreement_differences"]):
        for each in differences.values():
            assert each["p"] is each["p_holm"] is each["standard_error"] is None
    assert details["models"]["exp1"]["regret_covered"] is None
    assert details["slices"][0]["few"]
    on_test, on_calibration = details["warnings"]
    assert on_test.startswith(f"On test, {said}") and "at least 30 are needed" in on_test
    assert on_calibration.startswith(f"On calibration, {said}")
    json.dumps(details, allow_nan=False)


def test_a_part_in_few_groups_has_no_interval_though_the_battles_have():
    targets, predictions = simulate(400)
    few, many = np.arange(400) < 40, np.arange(400) >= 100
    parts = [Slice("part", "few", few), Slice("part", "many", many)]
    _, details = evaluate(targets, predictions, parts)
    of_few, of_many = (part["models"]["exp1"]["log_loss"] for part in details["slices"])
    assert of_few["low"] is of_few["high"] is None
    assert of_many["low"] < of_many["value"] < of_many["high"]


def as_predictions(targets, probabilities):
    return Predictions(targets.ids, probabilities, swapped=probabilities)


def warnings_of(predictions, targets):
    _, details = evaluate(targets, {**simulate(100)[1], "exp1": predictions})
    assert all(low is None or low < high for low, high in bounds_in(details))
    return details["models"]["exp1"], details["warnings"]


def test_what_does_not_vary_has_no_interval():
    """An interval of no width would claim to know the figure exactly."""
    targets, _ = simulate(100)
    right = as_predictions(targets, np.eye(3)[targets.labels] * 0.85 + 0.05)
    model, warnings = warnings_of(right, targets)
    for figure in ("log_loss", "accuracy", "f1_macro", "flip_rate"):
        assert (model[figure]["low"], model[figure]["high"]) == (None, None)
    assert model["accuracy"]["value"] == 1
    assert model["calibration"]["top_label"]["low"] is None
    assert warnings == ["exp1 is right about every test battle: look for a leak."]


def test_a_label_that_was_given_probability_0_is_told():
    targets, _ = simulate(100)
    sure = np.eye(3)[targets.labels]
    sure[:2] = np.roll(sure[:2], 1, axis=1)
    model, warnings = warnings_of(as_predictions(targets, sure), targets)
    assert model["impossible_labels"] == 2
    assert model["log_loss"]["value"] == pytest.approx(2 / 100 * -np.log(np.finfo(float).eps))
    (warning,) = warnings
    assert warning.startswith("exp1 gives probability 0 to the label of 2 battles")
    assert "The loss of a battle is clipped at 36.04" in warning


def test_a_model_that_predicts_the_same_for_every_battle_is_told():
    targets, _ = simulate(100)
    model, warnings = warnings_of(
        as_predictions(targets, np.tile([0.5, 0.3, 0.2], (100, 1))), targets
    )
    assert model["is_constant"]
    assert warnings[0].startswith("exp1 predicts the same for every battle")


def test_a_label_that_no_test_battle_has_is_told():
    targets, predictions = simulate(100)
    targets = replace(targets, labels=np.where(targets.labels == 2, 0, targets.labels))
    _, details = evaluate(targets, predictions)
    assert details["limits"]["test"]["missing_labels"] == ["tie"]
    assert details["warnings"][0].startswith("No test battle has the label tie")
    assert details["warnings"][1].startswith("No calibration battle has the label tie")
    tie = details["models"]["exp1"]["classes"]["tie"]
    assert tie["recall"] is None and tie["rows"] == 0


def test_copies_of_a_model_say_nothing_of_the_noise_of_a_change():
    targets, predictions = simulate(100)
    arms = {"baseline": predictions["exp1"], "exp1": predictions["exp1"]}
    references = {name: predictions[name] for name in ("prior", "length")}
    headline, details = evaluate(targets, arms | references)
    assert headline["exp1"]["log_loss_noise"] is None
    same = details["differences"]["baseline"]["exp1"]
    assert (same["value"], same["low"], same["p_holm"]) == (0, None, 1)


def test_figures_of_two_seeds_stay_where_they_can_be():
    """With one degree of freedom the noise of seeds is wide: an accuracy of −0.1 would be named."""
    targets, predictions = simulate(100)
    odds = log_odds_of(targets)
    seeds = [make_predictions(targets.ids, odds * sharpness) for sharpness in (1.0, -1.0)]
    parts = [Slice("part", "all", np.ones(100, dtype=bool))]
    _, details = evaluate(targets, predictions | {"exp1": seeds}, parts)
    model, part = details["models"]["exp1"], details["slices"][0]["models"]["exp1"]
    for figure in (model["accuracy"], model["f1_macro"], part["accuracy"]):
        assert 0 <= figure["low"] < figure["high"] <= 1
    assert model["log_loss"]["low"] >= 0
    errors = model["calibration"]["top_label"], model["calibration"]["class_wise"]
    assert all(0 <= error["low"] < error["high"] <= 1 for error in errors)


def test_parts_of_the_truth_that_the_battles_do_not_tell_apart_are_unknown():
    targets, predictions = simulate(100)
    _, details = evaluate(without_agreement(targets), predictions)
    assert details["models"]["exp1"]["agreement_recovered"] is None
    assert details["models"]["exp1"]["surface_recovered"] is None


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
