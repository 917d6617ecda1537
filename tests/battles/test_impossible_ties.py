"""Predictions of battles whose source has no ties."""

import numpy as np
import pytest
from scipy.special import softmax

from preference.battles.predictions import Predictions, rule_out_ties
from preference.battles.soft_labels import label_prior


def test_without_ties_the_probabilities_are_those_of_two_logits():
    logits, swapped = np.random.default_rng(0).normal(0, 5, size=(2, 30, 3))
    has_ties = np.arange(30) % 3 == 0
    given = Predictions(np.arange(30), softmax(logits, axis=1), softmax(swapped, axis=1))
    ruled = rule_out_ties(given, has_ties)
    for changed, before, raw in (
        (ruled.probabilities, given.probabilities, logits),
        (ruled.swapped, given.swapped, swapped),
    ):
        assert (changed[has_ties] == before[has_ties]).all()
        assert (changed[~has_ties, 2] == 0).all()
        assert changed[~has_ties, :2] == pytest.approx(softmax(raw[~has_ties, :2], axis=1))


@pytest.mark.parametrize(
    ("has_ties", "expected"),
    [
        (None, [3 / 8, 3 / 8, 1 / 4]),
        ([True] * 5 + [False] * 3, [1 / 5, 2 / 5, 2 / 5]),
        ([False] * 8, [3 / 8, 3 / 8, 1 / 4]),
    ],
)
def test_the_prior_is_that_of_the_battles_that_can_be_ties(has_ties, expected):
    labels = np.array([0, 1, 1, 2, 2, 0, 0, 1])
    has_ties = None if has_ties is None else np.array(has_ties)
    assert label_prior(labels, has_ties) == pytest.approx(expected)
