"""The study of cross-fitted models covers the truth, unless trainings saw their test battles."""

import numpy as np
import pytest
from scipy.stats import entropy

from checks.interval_coverage import cross_fitting
from checks.interval_coverage.cross_fitting import FALSE_ALARM, measure_cross_fitting

FRACTIONS = {"train": 0.65, "valid": 0.1, "calibration": 0.1, "test": 0.15}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"ROWS": (240,), "FOLDS": 3, "RESAMPLES": 200, "POPULATION": 2_000}.items():
        monkeypatch.setattr(cross_fitting, name, value)


def test_intervals_of_cross_fitted_models_cover_what_a_recipe_reaches():
    (row,) = measure_cross_fitting(FRACTIONS, datasets=15, seed=4)
    assert (row["rows"], row["folds"]) == (240, 3)
    assert all(row[name]["share"] > 0.7 for name in cross_fitting.ASKED)
    assert row[FALSE_ALARM]["share"] < 0.2
    battles = cross_fitting.draw_battles(2_000, np.random.default_rng([4, 3]))
    # Nobody does better than the truth, and half of what decides is not enough.
    assert entropy(battles.oracle, axis=1).mean() < row["log_loss"]["truth"] < np.log(3)
    assert row["log_loss_difference"]["truth"] > 0


def test_trainings_that_have_seen_their_test_battles_are_found_out(monkeypatch):
    split = cross_fitting.split_into_folds

    def leak(*arguments):
        return [{**splits, "train": splits["test"]} for splits in split(*arguments)]

    monkeypatch.setattr(cross_fitting, "split_into_folds", leak)
    (row,) = measure_cross_fitting(FRACTIONS, datasets=5, seed=4)
    assert row["log_loss"]["share"] < 0.5
