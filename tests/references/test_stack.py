"""The weights of `stack`, and the importance of features."""

import numpy as np
import pytest

from preference.battles.table import one_hot
from preference.references.stack import StackWeights, fit_stack, stack_from_bytes, stack_to_bytes


def predict(labels, right):
    """Give the actual label the probability `right`, and the others equal ones."""
    return one_hot(labels) * right + (1 - one_hot(labels)) * (1 - right) / 2


def fit(count):
    """Features know every label, words know it in every second battle and are wrong in others."""
    labels = np.random.default_rng(1).integers(0, 3, count)
    misled = np.where(np.arange(count) % 2, labels, (labels + 1) % 3)
    predicted = {"features": predict(labels, 0.5), "tfidf": predict(misled, 0.5)}
    return fit_stack(labels, predicted).weights


def test_weights_are_nearly_equal_with_few_battles_and_those_of_the_data_with_many():
    assert fit(4)["features"] == pytest.approx(0.5, abs=0.06)
    assert 0.56 < fit(100)["features"] < 0.9
    assert fit(20_000)["features"] > 0.98


def test_weights_are_those_with_the_highest_posterior():
    """By brute force: the log likelihood, plus 30 battles' worth of equal weights."""
    random = np.random.default_rng(2)
    labels = random.integers(0, 3, 60)
    predicted = {name: random.dirichlet([2, 2, 2], 60) for name in ("tfidf", "features")}
    of_label = [predicted[name][np.arange(60), labels] for name in ("tfidf", "features")]
    grid = np.linspace(0.001, 0.999, 999)
    posterior = [
        np.log(weight * of_label[0] + (1 - weight) * of_label[1]).sum()
        + 15 * np.log(weight)
        + 15 * np.log(1 - weight)
        for weight in grid
    ]
    best = grid[np.argmax(posterior)]
    assert fit_stack(labels, predicted).weights["tfidf"] == pytest.approx(best, abs=0.001)


def test_the_mix_is_the_weighted_mean():
    weights = StackWeights(weights={"tfidf": 0.25, "features": 0.75})
    predicted = {"tfidf": np.eye(3), "features": np.full((3, 3), 1 / 3), "length": None}
    assert weights.mix(predicted) == pytest.approx(0.25 * np.eye(3) + 0.25)


def test_damaged_weights_are_refused():
    assert stack_from_bytes(stack_to_bytes(StackWeights(weights=fit(9)))).weights == fit(9)
    for content in (
        b'{"weights": {"tfidf": 0.5}}',
        b'{"weights": {"tfidf": 0.5, "features": 0.4}}',
        b'{"weights": {"tfidf": 1.5, "features": -0.5}}',
        b'{"weights": {"tfidf": NaN, "features": 1}}',
        b'{"weights": {"tfidf": 0.5, "features": 0.5}, "more": 1}',
        b"not JSON",
    ):
        with pytest.raises(ValueError, match=r"."):
            stack_from_bytes(content)
