"""The corrected rank correlation, on ratings whose true correlation and noise are known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from preference.leaderboard.agreement import compare_ratings

RESAMPLES = 200


def draw_leaderboards(random, models, agreement, noise, shared=0.6):
    """Return the true rank correlation, and two noisy leaderboards with shared noise."""
    truth = random.normal(size=(2, models))
    truth[1] = agreement * truth[0] + np.sqrt(1 - agreement**2) * truth[1]
    common, own = random.normal(size=(RESAMPLES + 1, models)), np.sqrt(1 - shared**2)
    boards = []
    for true in truth:
        errors = noise * (shared * common + own * random.normal(size=common.shape))
        # A resample varies around the ratings of the battles themselves.
        boards.append(true + errors[0] + np.concatenate([np.zeros((1, models)), errors[1:]]))
    return spearmanr(*truth).statistic, boards


@pytest.mark.parametrize(("agreement", "noise"), [(0.9, 0.7), (0.5, 0.7), (0.0, 0.5), (0.95, 0.1)])
def test_the_interval_covers_the_correlation_without_noise(agreement, noise):
    random = np.random.default_rng(7)
    covered, errors, observed = [], [], []
    for _ in range(100):
        true, boards = draw_leaderboards(random, 60, agreement, noise)
        found = compare_ratings(*boards)
        covered.append(found.corrected.low - 0.01 <= true <= found.corrected.high + 0.01)
        errors.append(found.corrected.value - true)
        observed.append(found.observed - true)
    assert np.mean(covered) >= 0.9
    assert abs(np.mean(errors)) < 0.04
    if agreement == 0.9:
        assert np.mean(observed) < -0.1


def test_noise_alone_gives_no_correlation_or_an_interval_that_says_nothing():
    random = np.random.default_rng(1)
    for _ in range(20):
        boards = []
        for _ in range(2):
            errors = random.normal(size=(RESAMPLES + 1, 30))
            boards.append(errors[0] + np.concatenate([np.zeros((1, 30)), errors[1:]]))
        corrected = compare_ratings(*boards).corrected
        assert corrected is None or corrected.high - corrected.low > 0.8


def test_known_ratings_have_no_noise():
    truth = np.tile(np.arange(10.0), (RESAMPLES + 1, 1))
    found = compare_ratings(truth, -truth)
    assert found.observed == pytest.approx(-1)
    assert found.corrected.value == found.corrected.high == pytest.approx(-1)


@pytest.mark.parametrize("models", [0, 2])
def test_few_models_have_no_correlation(models):
    ratings = np.random.default_rng(1).normal(size=(RESAMPLES + 1, models))
    assert compare_ratings(ratings, ratings).corrected is None


def test_a_judge_that_rates_all_models_alike_has_no_correlation():
    ratings = np.random.default_rng(1).normal(size=(RESAMPLES + 1, 5))
    found = compare_ratings(ratings, np.zeros_like(ratings))
    assert found.observed is None and found.corrected is None
