"""Trees as arrays, against scikit-learn's forest, and damaged or hostile ones."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from preference.config.params import TreesParams
from preference.references.extra_trees import LEAF, Forest, check_forest, fit_forest, predict

COLUMNS, ROWS = 6, 300


def draw(seed, classes=3):
    random = np.random.default_rng(seed)
    columns = random.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    # Equal values, as counts have, so that a row lies on a threshold now and then.
    columns[:, :3] = columns[:, :3].round()
    noise = random.random(ROWS) < 0.3
    labels = np.where(noise, random.integers(0, classes, ROWS), columns[:, 0] > 0)
    return columns, labels.astype(np.int64)


@pytest.fixture(scope="module")
def forest():
    return fit_forest(*draw(1), TreesParams(number=10, min_leaf=2, max_features=0.5), seed=3)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("min_leaf", [1, 9])
def test_predictions_are_exactly_those_of_scikit_learn(classes, min_leaf):
    (columns, labels), (others, _) = draw(1, classes), draw(2)
    params = TreesParams(number=20, min_leaf=min_leaf, max_features=0.5)
    # With 300 rows, leaves have at least 0.2 * sqrt(300) = 3.46 of them.
    theirs = ExtraTreesClassifier(
        20, min_samples_leaf=max(min_leaf, 3), max_features=0.5, random_state=3, n_jobs=1
    ).fit(columns, labels)
    ours = predict(fit_forest(columns, labels, params, seed=3), others)
    assert np.array_equal(ours[:, :classes], theirs.predict_proba(others))
    assert np.all(ours[:, classes:] == 0)


def test_another_seed_gives_another_forest(forest):
    other = fit_forest(*draw(1), TreesParams(number=10, min_leaf=2, max_features=0.5), seed=4)
    assert not np.array_equal(predict(forest, draw(2)[0]), predict(other, draw(2)[0]))


def test_a_tree_that_would_keep_a_reader_busy_is_refused(forest):
    """A chain of splits whose left child is the next split, and whose right child is a leaf."""
    for splits, refused in ((200, False), (201, True)):
        nodes = splits + 2
        feature = np.where(np.arange(nodes) < splits, 0, LEAF).astype(np.int16)
        child = np.where(np.arange(nodes) < splits, nodes - 1, 0).astype(np.int32)
        chain = Forest(
            feature, np.zeros(nodes), child, leaves=np.full((1, 3), 1 / 3), roots=forest.roots[:1]
        )
        assert predict(chain, np.zeros((1, COLUMNS), np.float32)) == pytest.approx(1 / 3)
        if refused:
            with pytest.raises(ValueError, match="deeper than 200 levels"):
                check_forest(chain, COLUMNS)
        else:
            check_forest(chain, COLUMNS)


def change(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


def test_a_fitted_forest_is_accepted_and_a_damaged_one_refused(forest):
    check_forest(forest, COLUMNS)
    split = int(np.argmax(forest.feature != LEAF))
    leaf = int(np.argmax(forest.feature == LEAF))
    last = len(forest.feature) - 1
    for damage, reason in (
        ({"feature": change(forest.feature, split, COLUMNS)}, "column that is not among"),
        ({"feature": change(forest.feature, split, -2)}, "column that is not among"),
        ({"feature": change(forest.feature, last, 0)}, "not a later node"),
        ({"threshold": change(forest.threshold, split, np.nan)}, "not a number"),
        # A node that is its own child, or whose child stands before it, would never end.
        ({"child": change(forest.child, split, split)}, "not a later node"),
        ({"child": change(forest.child, split, last + 1)}, "not a later node"),
        ({"child": change(forest.child, leaf, len(forest.leaves))}, "no probabilities"),
        ({"child": change(forest.child, leaf, -1)}, "no probabilities"),
        ({"leaves": forest.leaves * 1.01}, "do not sum to 1"),
        ({"leaves": change(forest.leaves, 0, [-1, 1, 1])}, "do not sum to 1"),
        ({"leaves": change(forest.leaves, 0, np.nan)}, "do not sum to 1"),
        ({"leaves": forest.leaves[:, :2]}, "leaves is float64"),
        ({"leaves": forest.leaves.astype(np.float32)}, "leaves is float32"),
        ({"roots": change(forest.roots, 0, last + 1)}, "a root is no node"),
        ({"roots": change(forest.roots, 0, -1)}, "a root is no node"),
        ({"roots": forest.roots[:0]}, "there are 0 trees"),
        ({"roots": np.zeros(10_001, dtype=np.int32)}, "there are 10001 trees"),
        ({"child": forest.child[:-1]}, "child is int32"),
    ):
        with pytest.raises(ValueError, match=reason):
            check_forest(replace(forest, **damage), COLUMNS)
