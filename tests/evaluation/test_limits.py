"""Metrics without intervals or tests, and what `evaluate` warns of."""

import json
from dataclasses import replace

import numpy as np
import pytest
from simulated_models import evaluate, log_odds_of, make_predictions, simulate

from preference.battles.predictions import Predictions
from preference.evaluation.slices import Slice


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
def test_too_few_groups_have_metrics_without_intervals_or_tests(sizes, said):
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


def test_a_slice_in_few_groups_has_no_interval_although_all_battles_have():
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
    """An interval without width would claim that the metric is known exactly."""
    targets, _ = simulate(100)
    right = as_predictions(targets, np.eye(3)[targets.labels] * 0.85 + 0.05)
    model, warnings = warnings_of(right, targets)
    for metric in ("log_loss", "accuracy", "f1_macro", "flip_rate"):
        assert (model[metric]["low"], model[metric]["high"]) == (None, None)
    assert model["accuracy"]["value"] == 1
    assert model["calibration"]["top_label"]["low"] is None
    assert warnings == ["exp1 is right about every test battle: look for a leak."]


def test_a_label_with_probability_0_is_warned_of():
    targets, _ = simulate(100)
    sure = np.eye(3)[targets.labels]
    sure[:2] = np.roll(sure[:2], 1, axis=1)
    model, warnings = warnings_of(as_predictions(targets, sure), targets)
    assert model["impossible_labels"] == 2
    assert model["log_loss"]["value"] == pytest.approx(2 / 100 * -np.log(np.finfo(float).eps))
    (warning,) = warnings
    assert warning.startswith("exp1 gives probability 0 to the label of 2 battles")
    assert "The loss of a battle is clipped at 36.04" in warning


def test_a_constant_model_is_warned_of():
    targets, _ = simulate(100)
    model, warnings = warnings_of(
        as_predictions(targets, np.tile([0.5, 0.3, 0.2], (100, 1))), targets
    )
    assert model["is_constant"]
    assert warnings[0].startswith("exp1 predicts the same for every battle")


def test_a_label_without_test_battles_is_warned_of():
    targets, predictions = simulate(100)
    targets = replace(targets, labels=np.where(targets.labels == 2, 0, targets.labels))
    _, details = evaluate(targets, predictions)
    assert details["limits"]["test"]["missing_labels"] == ["tie"]
    assert details["warnings"][0].startswith("No test battle has the label tie")
    assert details["warnings"][1].startswith("No calibration battle has the label tie")
    tie = details["models"]["exp1"]["classes"]["tie"]
    assert tie["recall"] is None and tie["rows"] == 0


def test_the_noise_of_a_change_is_unknown_where_all_models_are_copies():
    targets, predictions = simulate(100)
    experiments = {"baseline": predictions["exp1"], "exp1": predictions["exp1"]}
    references = {name: predictions[name] for name in ("prior", "length")}
    headline, details = evaluate(targets, experiments | references)
    assert headline["exp1"]["log_loss_noise"] is None
    same = details["differences"]["baseline"]["exp1"]
    assert (same["value"], same["low"], same["p_holm"]) == (0, None, 1)


def test_intervals_of_two_seeds_hold_possible_values_only():
    """The t distribution of two seeds is so wide that an accuracy could seem to be −0.1."""
    targets, predictions = simulate(100)
    odds = log_odds_of(targets)
    seeds = [make_predictions(targets.ids, odds * sharpness) for sharpness in (1.0, -1.0)]
    parts = [Slice("part", "all", np.ones(100, dtype=bool))]
    _, details = evaluate(targets, predictions | {"exp1": seeds}, parts)
    model, part = details["models"]["exp1"], details["slices"][0]["models"]["exp1"]
    for metric in (model["accuracy"], model["f1_macro"], part["accuracy"]):
        assert 0 <= metric["low"] < metric["high"] <= 1
    assert model["log_loss"]["low"] >= 0
    errors = model["calibration"]["top_label"], model["calibration"]["class_wise"]
    assert all(0 <= error["low"] < error["high"] <= 1 for error in errors)
