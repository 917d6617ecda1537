"""Bradley-Terry ratings, against scikit-learn and a closed form."""

import numpy as np
import pytest
from planted_battles import plant_battles
from sklearn.linear_model import LogisticRegression

from preference.statistics.bradley_terry import (
    RIDGE,
    Comparisons,
    fit_ratings,
    plain,
    resample_ratings,
)
from preference.statistics.cluster_bootstrap import GroupBootstrap

NAMES = "abcdefg"


def fit_by_scikit_learn(comparisons, scores, weights):
    """Fit a logistic regression to each battle twice: won, and lost, by its score."""
    rows = np.arange(len(scores))
    features = np.zeros((len(scores), comparisons.models + comparisons.style.shape[1]))
    features[rows, comparisons.pairs[:, 0]] = 1
    features[rows, comparisons.pairs[:, 1]] = -1
    features[:, comparisons.models :] = comparisons.style
    model = LogisticRegression(C=1 / RIDGE, fit_intercept=False, tol=1e-10, max_iter=10_000)
    both = np.concatenate([weights * scores, weights * (1 - scores)])
    return model.fit(np.tile(features, (2, 1)), np.repeat([1, 0], len(scores)), both).coef_[0]


@pytest.mark.parametrize("columns", [0, 2])
def test_wins_ties_and_soft_votes_are_rated_as_scikit_learn_does(columns):
    battles, _ = plant_battles(NAMES, 300)
    random = np.random.default_rng(3)
    style = random.normal(size=(300, columns))
    comparisons = Comparisons(battles.pairs, len(NAMES), style)
    weights = random.integers(0, 4, 300).astype(float)
    for scores in (battles.scores, random.choice([0, 0.5, 1], 300), random.random(300)):
        found = fit_ratings(comparisons, scores, weights)
        np.testing.assert_allclose(
            found, fit_by_scikit_learn(comparisons, scores, weights), atol=1e-4
        )
        assert abs(found[: len(NAMES)].sum()) < 1e-6


def test_the_rating_of_two_models_is_the_log_odds():
    scores = np.repeat([1.0, 0.0, 0.5], [1900, 900, 200])
    pairs = np.tile([0, 1], (3000, 1))
    first, second = fit_ratings(plain(pairs, 2), scores, np.ones(3000))
    assert first - second == pytest.approx(np.log(2000 / 1000), abs=1e-3)


def test_a_model_that_won_every_battle_has_a_finite_rating():
    pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 1]])
    ratings = fit_ratings(plain(pairs, 3), np.ones(4), np.ones(4))
    assert ratings.argmax() == 0 and 1 < ratings[0] < 10


def test_a_resample_is_rated_as_if_its_groups_had_been_drawn():
    battles, _ = plant_battles(NAMES, 200)
    groups = np.arange(200) // 3
    bootstrap = GroupBootstrap(groups, 3, seed=5)
    found = resample_ratings(plain(battles.pairs, len(NAMES)), battles.scores, bootstrap)
    np.testing.assert_allclose(
        found[0], fit_ratings(plain(battles.pairs, len(NAMES)), battles.scores, np.ones(200))
    )
    for number in range(3):
        times = bootstrap.weights(number)
        assert all(np.ptp(times[groups == group]) == 0 for group in groups)
        drawn = np.repeat(np.arange(200), times.astype(int))
        repeated = plain(battles.pairs[drawn], len(NAMES))
        expected = fit_ratings(repeated, battles.scores[drawn], np.ones(len(drawn)))
        np.testing.assert_allclose(found[1 + number], expected, atol=1e-6)
    assert np.ptp(found[1:], axis=0).min() > 0.01
