"""The temperatures and figures of a bundle, against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from preference.errors import BadInput
from preference.predictions import Predictions
from preference.training_calibration import calibrate_training

COUNT = 1500


def overconfident():
    """Battles in pairs, and a model that is right about them but twice as sure as it should be."""
    random = np.random.default_rng(5)
    logits = random.normal(size=(COUNT, 3))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.random(COUNT)[:, None] > truth.cumsum(axis=1)[:, :2]).sum(axis=1)
    stated = truth**2 / (truth**2).sum(axis=1, keepdims=True)
    swapped = stated[random.permutation(COUNT)]
    return labels, np.arange(COUNT) // 2, Predictions(np.arange(COUNT), stated, swapped)


def tempered(probabilities, temperature):
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_figures_are_those_after_the_temperature():
    labels, groups, predictions = overconfident()
    found = calibrate_training(labels, groups, predictions, seed=1)
    assert (found.battles, found.groups) == (COUNT, COUNT // 2)
    assert found.in_order.temperature == pytest.approx(2, rel=0.1)
    mean = (predictions.probabilities + predictions.swapped) / 2
    for part, stated in ((found.in_order, predictions.probabilities), (found.both_orders, mean)):
        scaled = tempered(stated, part.temperature)
        loss = metrics.log_loss(labels, scaled)
        assert part.metrics["log_loss"].value == pytest.approx(loss)
        for other in (part.temperature * 0.98, part.temperature * 1.02):
            assert loss < metrics.log_loss(labels, tempered(stated, other))
        guess = scaled.argmax(axis=1)
        assert part.metrics["accuracy"].value == pytest.approx(np.mean(guess == labels))
        f1 = metrics.f1_score(labels, guess, average="macro")
        assert part.metrics["f1_macro"].value == pytest.approx(f1)
        for estimate in (part.metrics["log_loss"], part.metrics["accuracy"]):
            assert estimate.low < estimate.value < estimate.high
    flips = predictions.probabilities.argmax(axis=1) != predictions.swapped.argmax(axis=1)
    assert found.in_order.metrics["flip_rate"].value == pytest.approx(flips.mean())
    assert found.both_orders.metrics["flip_rate"].value == 0


def test_the_same_seed_gives_the_same_intervals():
    first, again = (calibrate_training(*overconfident(), seed=1) for _ in range(2))
    assert first == again


def test_a_single_group_is_refused():
    labels, _, predictions = overconfident()
    with pytest.raises(BadInput, match=r"raise split\.calibration"):
        calibrate_training(labels, np.zeros(COUNT, dtype=int), predictions, seed=1)
