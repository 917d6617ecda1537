"""The metrics that compare models with the oracle of simulated battles."""

import json

import numpy as np
import pytest
from simulated_models import evaluate, log_odds_of, simulate, without_agreement, without_oracle


def test_real_data_have_the_same_metrics_and_none_that_need_the_oracle():
    targets, predictions = simulate(200)
    headline, _ = evaluate(targets, predictions)
    real, details = evaluate(without_oracle(targets), predictions)
    assert real == {name: headline[name] for name in predictions}
    assert not details["simulated"]
    assert "regret" not in details["models"]["exp1"]
    assert details["models"]["exp1"]["calibration"]["truth"] is None
    assert set(details["differences"]) == {"baseline", "reference"}
    assert "agreement_differences" not in details


def test_details_of_simulated_data_show_what_each_model_knows():
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


def test_without_battles_that_agreement_decides_there_is_no_metric():
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


def test_slopes_that_least_squares_cannot_find_are_unknown():
    targets, predictions = simulate(100)
    _, details = evaluate(without_agreement(targets), predictions)
    assert details["models"]["exp1"]["agreement_recovered"] is None
    assert details["models"]["exp1"]["surface_recovered"] is None
