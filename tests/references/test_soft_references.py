"""References fitted to soft labels and weights are those of the hard battles they stand for."""

import numpy as np
import pyarrow as pa
import pytest
from drawn_battles import draw_battles, make_battles
from evaluation_inputs import mark_soft
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from test_references import PARAMS

from preference.references.antisymmetric_logistic import fit, predict
from preference.references.models import fit_reference, fit_references, predict_reference
from preference.references.trees import measure_importance
from preference.statistics.mix_weights import fit_weights

RANDOM = np.random.default_rng(5)
# Each stands for as many hard battles of half its weight.
HALVES = np.array([[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]])[RANDOM.integers(3, size=90)]
DIFFERENCES = RANDOM.normal(size=(90, 3))


def as_hard(shares):
    """Return the rows and labels of the hard battles of halves."""
    rows, labels = np.nonzero(shares)
    return rows, labels


def test_half_a_battle_is_a_hard_one_of_half_the_weight_as_in_sklearn():
    weights = RANDOM.integers(1, 4, size=90).astype(float)
    rows, labels = as_hard(HALVES)
    soft = predict(fit(csr_array(DIFFERENCES), HALVES, 0.7, None, weights), csr_array(DIFFERENCES))
    hard = fit(csr_array(DIFFERENCES[rows]), labels, 0.7, None, weights[rows] / 2)
    assert soft == pytest.approx(predict(hard, csr_array(DIFFERENCES)), abs=1e-4)
    both = np.vstack([DIFFERENCES[rows], -DIFFERENCES[rows]])
    sklearns = LogisticRegression(C=0.7, tol=1e-9, max_iter=5000).fit(
        np.hstack([both, abs(both)]),
        np.concatenate([labels, np.array([1, 0, 2])[labels]]),
        sample_weight=np.tile(weights[rows] / 2, 2),
    )
    expected = sklearns.predict_proba(np.hstack([DIFFERENCES, abs(DIFFERENCES)]))
    assert soft == pytest.approx(expected, abs=3e-4)


def test_a_weight_of_2_is_the_row_twice():
    labels = np.arange(90) % 3
    weights = 1.0 + (np.arange(90) < 30)
    twice = np.repeat(np.arange(90), weights.astype(int))
    weighted = fit(csr_array(DIFFERENCES), labels, 0.7, None, weights)
    repeated = fit(csr_array(DIFFERENCES[twice]), labels[twice], 0.7)
    assert weighted.signed == pytest.approx(repeated.signed, abs=1e-3)
    assert weighted.tie == pytest.approx(repeated.tie, abs=1e-3)


def test_the_prior_is_the_weighted_share_of_ties():
    battles = draw_battles(3, seed=1)
    shares = np.array([[1, 0, 0], [0.2, 0.3, 0.5], [0, 0, 1]])
    prior = fit_reference("prior", mark_soft(battles, shares, [5, 2, 1]), PARAMS, seed=1)
    expected = [3 / 8, 3 / 8, 2 / 8]
    assert predict_reference(prior, battles).probabilities[0] == pytest.approx(expected, abs=1e-5)


def test_trees_on_soft_labels_are_those_on_a_row_for_each_share():
    battles = draw_battles(90, seed=1)
    weights = RANDOM.integers(1, 4, size=90).astype(float)
    rows, labels = as_hard(HALVES)
    hard = battles.take(rows)
    position = hard.column_names.index("label")
    hard = hard.set_column(position, battles.schema.field("label"), pa.array(labels, pa.int8()))
    hard = mark_soft(hard, np.eye(3)[labels], weights[rows] / 2)
    soft = mark_soft(battles, HALVES, weights)
    mine, others = (fit_reference("features", one, PARAMS, seed=1) for one in (soft, hard))
    predicted = predict_reference(mine, battles).probabilities
    assert (predicted == predict_reference(others, battles).probabilities).all()
    rises = measure_importance(mine, soft, seed=1)
    assert set(rises) == set(measure_importance(mine, battles, seed=1))


def test_trees_that_see_no_difference_predict_the_weighted_shares():
    battles = make_battles(["the same"] * 90, ["the same"] * 90, [0] * 90)
    weights = RANDOM.integers(1, 9, size=90)
    trees = fit_reference("features", mark_soft(battles, HALVES, weights), PARAMS, seed=1)
    a, b, tie = np.average(HALVES, axis=0, weights=weights)
    expected = [(a + b) / 2, (a + b) / 2, tie]
    assert predict_reference(trees, battles).probabilities[0] == pytest.approx(expected)


@pytest.mark.parametrize("prior_rows", [0, 30])
def test_the_weights_of_a_mix_are_those_for_the_hard_battles(prior_rows):
    models = {name: RANDOM.dirichlet([2, 2, 1], size=90) for name in "abc"}
    rows, labels = as_hard(HALVES)
    weights = RANDOM.integers(1, 4, size=90)
    soft = fit_weights(HALVES, models, prior_rows, weights * 2.0)
    repeated, hard = np.repeat(rows, weights[rows]), np.repeat(labels, weights[rows])
    expected = fit_weights(hard, {name: one[repeated] for name, one in models.items()}, prior_rows)
    assert soft == pytest.approx(expected, abs=1e-3)


def test_all_references_learn_from_shares_that_the_label_does_not_show():
    """The longer answer always has the larger share, by a little or by a lot."""
    battles = draw_battles(240, seed=3, longer_wins=True)
    labels = battles["label"].to_numpy()
    sharp = np.where(np.eye(3)[labels] > 0, 0.9, 0.05)
    flat = np.where(np.eye(3)[labels] > 0, 0.4, 0.3)
    predicted = []
    for shares in (sharp, flat):
        soft = mark_soft(battles, shares, np.ones(240))
        stack = fit_references(soft, soft, PARAMS, seed=1)["stack"]
        predicted.append(predict_reference(stack, battles).probabilities.max(axis=1).mean())
    assert predicted[0] > 0.6 > 0.45 > predicted[1]
