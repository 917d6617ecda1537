"""What the simulated arena draws before it writes a text: pairs of models, and preferences."""

import numpy as np

from simulated import utility
from simulated.models import BATTLES_AT_ONCE, MODELS, draw_models


def test_models_drawn_in_parts_are_those_of_one_draw():
    count = 2 * BATTLES_AT_ONCE + 5
    ranks = np.random.default_rng(7).random((count, MODELS)).argsort(axis=1)
    random = np.random.default_rng(7)
    assert np.array_equal(draw_models(random, count), ranks[:, :2])


def test_davidson_in_closed_form():
    utilities = np.random.default_rng(3).normal(scale=3, size=(500, 2))
    a, b, tie = utility.preference_probabilities(utilities).T
    np.testing.assert_allclose(
        np.log(a / b), utilities[:, 0] - utilities[:, 1] + utility.POSITION_BIAS, atol=1e-9
    )
    np.testing.assert_allclose(tie / np.sqrt(a * b), utility.TIE_WORTH)
    np.testing.assert_allclose(a + b + tie, 1)
