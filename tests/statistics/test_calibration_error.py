import numpy as np
import pytest

from preference.statistics.calibration_error import (
    calibration_error,
    class_wise_gaps,
    error_if_calibrated,
    reliability,
    top_label_gaps,
)
from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.metrics import one_hot


def top_label_error(labels, probabilities):
    return calibration_error(top_label_gaps(labels, probabilities).mean(axis=0))


def class_wise_error(observed, probabilities):
    return calibration_error(class_wise_gaps(observed, probabilities).mean(axis=0)).mean()


def simulate(rows, sharpness, seed=0):
    """Return labels, predictions that are `sharpness` times too sure, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.dirichlet([1, 1, 1], rows)
    labels = (random.random((rows, 1)) > truth.cumsum(axis=1)).sum(axis=1)
    sharp = truth**sharpness
    return labels, sharp / sharp.sum(axis=1, keepdims=True), truth


def test_by_hand():
    """Sure of A at .8 in four battles, right in two: a gap of .3. Right at .6 in three of five."""
    probabilities = np.array([[0.8, 0.1, 0.1]] * 4 + [[0.2, 0.6, 0.2]] * 5)
    labels = np.array([0, 0, 1, 1, 1, 1, 1, 2, 2])
    assert top_label_error(labels, probabilities) == pytest.approx(4 / 9 * 0.3)
    # A: 2/9 of gap .3 too many at .8 and 5/9 at .2 of none; and so on for B and tie.
    of_a = 4 / 9 * 0.3 + 5 / 9 * 0.2
    of_b = 4 / 9 * 0.4 + 5 / 9 * 0.0
    of_tie = 4 / 9 * 0.1 + 5 / 9 * 0.2
    expected = (of_a + of_b + of_tie) / 3
    assert class_wise_error(one_hot(labels), probabilities) == pytest.approx(expected)


def test_calibrated_predictions_have_the_error_that_noise_alone_gives():
    labels, probabilities, _ = simulate(1000, sharpness=1)
    top, class_wise = error_if_calibrated(probabilities, np.random.default_rng(1))
    assert top_label_error(labels, probabilities) == pytest.approx(top, abs=0.02)
    assert class_wise_error(one_hot(labels), probabilities) == pytest.approx(class_wise, abs=0.01)
    few, _ = error_if_calibrated(probabilities[:100], np.random.default_rng(1))
    assert few > 2 * top > 0


def test_overconfidence_shows():
    labels, probabilities, truth = simulate(20_000, sharpness=3)
    confidence = probabilities.max(axis=1).mean()
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    # All gaps have one sign, so that the error is the mean gap.
    error = top_label_error(labels, probabilities)
    assert error == pytest.approx(confidence - accuracy, abs=1e-6)
    assert error > 0.1
    assert class_wise_error(truth, probabilities) > 0.05


def test_the_truth_is_calibrated_against_itself():
    _, probabilities, truth = simulate(500, sharpness=1)
    assert class_wise_error(truth, probabilities) == pytest.approx(0, abs=1e-12)


def test_diagram_has_every_battle_once():
    labels, probabilities, _ = simulate(1000, sharpness=2)
    bins = reliability(labels, probabilities, GroupBootstrap(np.arange(1000), 300, 0))
    assert [one.rows for one in bins] == [100] * 10
    hits = sum(one.accuracy * one.rows for one in bins)
    assert hits == pytest.approx((probabilities.argmax(axis=1) == labels).sum())
    confidences = [one.confidence for one in bins]
    assert confidences == sorted(confidences)
    assert all(one.low <= one.accuracy <= one.high for one in bins)


def test_equal_predictions_share_one_bin():
    probabilities = np.tile([0.5, 0.3, 0.2], (60, 1))
    labels = np.repeat([0, 1, 2], 20)
    (only,) = reliability(labels, probabilities, GroupBootstrap(np.arange(60), 300, 0))
    assert (only.rows, only.confidence) == (60, pytest.approx(0.5))
    assert only.accuracy == pytest.approx(1 / 3)
