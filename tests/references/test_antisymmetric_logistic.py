"""The logistic regression of the linear references, against scikit-learn and closed forms."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from preference.references.antisymmetric_logistic import fit, predict


@pytest.mark.parametrize("inverse_regularization", [0.05, 3.0])
def test_the_fit_is_sklearns_on_both_orders_of_every_pair(inverse_regularization):
    random = np.random.default_rng(6)
    differences = random.normal(size=(150, 4))
    labels = np.where(random.random(150) < 0.3, 2, (differences[:, 0] < 0.2).astype(int))
    pairs = csr_array(differences)
    model = fit(pairs, labels, inverse_regularization)
    ours = predict(model, pairs)
    both = np.vstack([differences, -differences])
    swapped_labels = np.array([1, 0, 2])[labels]
    sklearns = LogisticRegression(C=inverse_regularization, tol=1e-9, max_iter=5000).fit(
        np.hstack([both, abs(both)]), np.concatenate([labels, swapped_labels])
    )
    expected = sklearns.predict_proba(np.hstack([differences, abs(differences)]))
    assert ours == pytest.approx(expected, abs=2e-4)


def test_in_a_mix_ties_are_learned_from_the_battles_that_can_be_ties():
    """Without features the solution is known: both kinds of battles count where they can."""
    labels = np.array([0] * 40 + [1] * 20 + [2] * 20 + [0] * 100)
    has_ties = np.arange(180) < 80
    nothing = csr_array((180, 0))
    mixed = predict(fit(nothing, labels, 0.1, has_ties), nothing)
    # By the symmetry of the model A and B share what ties leave.
    assert mixed == pytest.approx(np.tile([3 / 8, 3 / 8, 1 / 4], (180, 1)), abs=1e-4)
    unmarked = predict(fit(nothing, labels, 0.1), nothing)
    assert unmarked[0, 2] == pytest.approx(20 / 180, abs=1e-4)


def test_a_weight_of_a_mix_is_where_its_gradient_vanishes():
    random = np.random.default_rng(8)
    differences = random.normal(size=(300, 2))
    labels = np.where(random.random(300) < 0.3, 2, (differences[:, 0] < 0.2).astype(int))
    has_ties = random.random(300) < 0.5
    labels[~has_ties] %= 2
    model = fit(csr_array(differences), labels, 0.5, has_ties)
    score = differences @ model.signed
    tie = np.where(has_ties, abs(differences) @ model.absolute + model.tie, -np.inf)
    shares = softmax(np.column_stack([score, -score, tie]), axis=1)
    error = 0.5 * (shares - np.eye(3)[labels])
    assert model.signed == pytest.approx(-differences.T @ (error[:, 0] - error[:, 1]), abs=1e-3)
    assert model.absolute == pytest.approx(-3 * abs(differences).T @ error[:, 2], abs=1e-3)
    assert error[:, 2].sum() == pytest.approx(0, abs=1e-3)
