"""What is scored: calibrated probabilities, both orders where that is asked for, and the blend."""

from dataclasses import replace

import numpy as np
import pytest
from simulated_models import PARAMS, log_odds_of, make_predictions, score, simulate
from sklearn import metrics as sklearn_metrics

from preference.battles.predictions import Predictions
from preference.config.params import REFERENCES
from preference.evaluation.blend import choose_models
from preference.evaluation.evaluate import evaluate_models
from preference.evaluation.scoring import RunPredictions, score_models
from preference.runtime.errors import BadInput
from preference.statistics.calibration import Temperatures, fit_temperatures
from preference.statistics.mix_weights import fit_weights
from preference.statistics.temperature_scaling import apply_temperature


def test_predictions_that_are_not_of_the_test_battles_are_refused():
    targets, predictions = simulate(20)
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
            score(targets, predictions | {"exp2": broken})


def test_an_overconfident_model_is_cooled_and_the_order_of_its_labels_kept():
    targets, predictions = simulate(4000)
    odds = log_odds_of(targets)
    truth = targets.oracle.probabilities
    sharp = truth**3 / (truth**3).sum(axis=1, keepdims=True)
    predictions["exp2"] = Predictions(targets.ids, sharp, swapped=sharp)
    models, _ = score(targets, predictions)
    assert models["exp2"].temperatures == pytest.approx([3], rel=0.1)
    _, details = evaluate_models(models, ["exp1", "exp2"], targets, targets, [], {}, PARAMS, seed=1)
    figures = details["models"]["exp2"]
    assert figures["temperature"] == models["exp2"].temperatures
    raw = sklearn_metrics.log_loss(targets.labels, sharp)
    assert figures["log_loss_uncalibrated"]["value"] == pytest.approx(raw)
    assert figures["log_loss"]["value"] < raw - 0.1
    assert figures["calibration"]["truth"] < 0.02
    assert np.sign(odds).tolist() == np.sign(sharp[:, 0] - sharp[:, 1]).tolist()


@pytest.mark.parametrize("both_orders", [False, True])
def test_a_bound_that_two_seeds_come_to_is_warned_of_once(both_orders):
    targets, _ = simulate(90)
    # Wrong about every battle, so that the largest temperature is best.
    wrong = np.full((90, 3), 0.45)
    wrong[np.arange(90), targets.labels] = 0.1
    one = Predictions(targets.ids, wrong, wrong[:, [1, 0, 2]])
    raw = {
        "exp1": [RunPredictions(one, one, seed) for seed in (7, 8)],
        "exp2": [RunPredictions(one, one, 7)],
        "prior": [RunPredictions(one, one)],
    }
    fitted = {
        name: [fit_temperatures(targets.labels, one)] * len(runs) for name, runs in raw.items()
    }
    models = score_models(raw, fitted, targets, targets, both_orders, None)
    _, details = evaluate_models(models, ["exp1", "exp2"], targets, targets, [], {}, PARAMS, seed=1)
    told = [text.partition(", the")[0] for text in details["warnings"] if "temperature of" in text]
    assert told == [
        "The temperature of exp1 (seeds 7, 8) is 20.00",
        "The temperature of exp2 is 20.00",
    ]


@pytest.mark.parametrize(("both_orders", "expected"), [(False, 3.5), (True, 0.25)])
def test_temperatures_that_are_given_are_applied_and_not_fitted_again(both_orders, expected):
    targets, predictions = simulate(100)
    raw = {"exp1": [RunPredictions(predictions["exp1"], predictions["exp1"])]}
    fitted = {"exp1": [Temperatures(in_order=3.5, both_orders=0.25)]}
    models = score_models(raw, fitted, targets, targets, both_orders, None)
    assert models["exp1"].temperatures == [expected]
    scored = models["exp1"].scored[0].test.probabilities
    assert scored == pytest.approx(
        apply_temperature(predictions["exp1"].probabilities, expected), abs=1e-9
    )
    (averaged,) = models["exp1"].averaged
    assert averaged.test.probabilities == pytest.approx(
        apply_temperature(predictions["exp1"].probabilities, 0.25), abs=1e-9
    )


def test_auto_blends_every_experiment_and_the_references_that_learn():
    names = ["exp1", "exp2", *REFERENCES]
    assert choose_models(replace(PARAMS, blend="auto"), names) == [
        *("exp1", "exp2"),
        *("length", "tfidf", "features", "stack"),
    ]
    assert choose_models(replace(PARAMS, blend=[]), names) == []
    targets, predictions = simulate(40)
    assert "blend" not in score(targets, predictions)[0]


def test_both_orders_are_averaged_where_params_ask_for_it():
    targets, predictions = simulate(300)
    model = predictions["exp1"]
    biased = replace(model, swapped=np.full((300, 3), 1 / 3))
    models, _ = score(targets, {"exp1": biased}, both_orders=True)
    scored = models["exp1"].scored[0].test
    assert np.array_equal(scored.probabilities, scored.swapped)
    raw = models["exp1"].raw[0].test.probabilities
    assert raw == pytest.approx((model.probabilities + 1 / 3) / 2)


def test_a_blend_of_models_that_see_different_things_beats_both():
    random = np.random.default_rng(3)
    targets, predictions = simulate(4000)
    odds = log_odds_of(targets)
    noisy = {
        name: make_predictions(targets.ids, odds + random.normal(scale=2, size=4000))
        for name in ("exp1", "exp2")
    }
    predictions |= noisy
    models, weights = score(targets, predictions, blend=["exp1", "exp2", "prior"])
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["exp1"] == pytest.approx(weights["exp2"], abs=0.15)
    assert weights["prior"] < 0.1
    headline, details = evaluate_models(
        models, ["exp1", "exp2", "blend"], targets, targets, [], weights, PARAMS, seed=1
    )
    assert headline["blend"]["log_loss"] < headline["exp1"]["log_loss"] - 0.01
    assert details["differences"]["baseline"]["blend"]["high"] < 0
    assert details["blend"]["weights"] == weights


def test_a_blend_gives_a_model_that_knows_all_all_weight():
    targets, predictions = simulate(4000)
    _, weights = score(targets, predictions, blend=["exp1", "length", "prior"])
    assert weights["exp1"] == pytest.approx(1, abs=0.05)


def test_a_model_of_hardly_any_weight_is_left_out_of_the_blend():
    targets, _ = simulate(4000)
    # More confident than the truth is, so that the best weight of an equal guess is 0.004.
    right = np.full((4000, 3), 0.002)
    right[np.arange(4000), targets.labels] = 0.996
    right[:8] = right[:8, [1, 2, 0]]
    models = {"exp1": right, "length": np.full((4000, 3), 1 / 3)}
    assert fit_weights(targets.labels, models) == {"exp1": 1, "length": 0}


def test_a_blend_of_unknown_models_is_refused():
    with pytest.raises(BadInput, match=r"evaluation\.blend names exp9, but the models are exp1"):
        choose_models(replace(PARAMS, blend=["exp9"]), ["exp1"])
