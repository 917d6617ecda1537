import numpy as np
import pytest
from scipy.special import softmax

from preference.statistics.metrics import log_loss
from preference.statistics.temperature_scaling import apply_temperature, fit_temperature


def draw(random, probabilities):
    return (random.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_planted_temperature_is_found(temperature):
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (60_000, 3))
    labels = draw(random, softmax(logits / temperature, axis=1))
    found = fit_temperature(labels, softmax(logits, axis=1))
    assert found == pytest.approx(temperature, rel=0.04)


def test_log_loss_does_not_rise_where_the_temperature_was_fitted():
    random = np.random.default_rng(1)
    probabilities = softmax(random.normal(0, 3, (300, 3)), axis=1)
    labels = draw(random, np.full((300, 3), 1 / 3))
    fitted = apply_temperature(probabilities, fit_temperature(labels, probabilities))
    assert log_loss(labels, fitted) < log_loss(labels, probabilities)
    # A model that knows nothing is best made to say so.
    assert np.abs(fitted - 1 / 3).mean() < 0.06 < np.abs(probabilities - 1 / 3).mean()


def test_temperature_divides_the_logits():
    logits = np.array([[1.0, 2.0, -1.0], [0.0, 5.0, 0.0]])
    expected = softmax(logits / 2.5, axis=1)
    assert apply_temperature(softmax(logits, axis=1), 2.5) == pytest.approx(expected)


def test_a_probability_of_zero_stays_finite_and_small():
    scaled = apply_temperature(np.array([[0.0, 0.5, 0.5]]), 1.0)
    assert scaled.sum() == pytest.approx(1)
    assert 0 < scaled[0, 0] < 1e-9


def test_the_predicted_label_does_not_change():
    probabilities = softmax(np.random.default_rng(2).normal(size=(50, 3)), axis=1)
    scaled = apply_temperature(probabilities, 4.0)
    assert np.array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))


def test_a_tie_that_cannot_be_stays_so_and_the_rest_is_scaled_as_two_labels():
    logits = np.random.default_rng(3).normal(size=(40, 2))
    probabilities = np.insert(softmax(logits, axis=1), 2, 0, axis=1)
    scaled = apply_temperature(probabilities, 2.5)
    assert (scaled[:, 2] == 0).all()
    assert scaled[:, :2] == pytest.approx(softmax(logits / 2.5, axis=1))


def test_the_temperature_of_battles_without_ties_is_that_of_two_labels():
    random = np.random.default_rng(4)
    logits = random.normal(0, 1.5, (60_000, 2))
    labels = draw(random, softmax(logits / 3, axis=1))
    probabilities = np.insert(softmax(logits, axis=1), 2, 0, axis=1)
    assert fit_temperature(labels, probabilities) == pytest.approx(3, rel=0.04)
