"""Metrics of soft labels and of weights, against the hard battles that they stand for."""

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, f1_score
from sklearn.metrics import log_loss as sklearns_log_loss

from preference.battles.predictions import Predictions
from preference.battles.soft_labels import entropies, label_codes, label_prior
from preference.statistics.calibration import calibrate_run, fit_temperatures
from preference.statistics.calibration_error import calibration_errors, summarize_calibration
from preference.statistics.calibration_warnings import missing_labels
from preference.statistics.cluster_bootstrap import GroupBootstrap, effective_groups
from preference.statistics.few_groups import explain_few_groups
from preference.statistics.metric_estimates import estimate_metrics, resample_metrics
from preference.statistics.metrics import (
    accuracy,
    class_figures,
    log_loss,
    row_log_loss,
    standard_error,
)
from preference.statistics.paired_tests import paired_difference
from preference.statistics.temperature_scaling import fit_temperature

RANDOM = np.random.default_rng(4)
COUNT = 240
LABELS = RANDOM.integers(3, size=COUNT)
GROUPS = RANDOM.integers(80, size=COUNT)
SHARES = RANDOM.dirichlet([1, 1, 0.5], size=COUNT)
WEIGHTS = RANDOM.integers(1, 4, size=COUNT)
# The rows of the same battles, each as often as its weight says.
ROWS = np.repeat(np.arange(COUNT), WEIGHTS)


def predict(seed):
    random = np.random.default_rng(seed)
    one, other = (random.dirichlet([2, 2, 1], size=COUNT) for _ in range(2))
    return Predictions(np.arange(COUNT), one, other)


def repeat(predictions):
    return Predictions(ROWS, predictions.probabilities[ROWS], predictions.swapped[ROWS])


def bootstraps(resamples=200):
    """Return the bootstrap of the weighted battles, and that of the repeated ones."""
    weighted = GroupBootstrap(GROUPS, resamples, seed=1, weights=WEIGHTS.astype(float))
    return weighted, GroupBootstrap(GROUPS[ROWS], resamples, seed=1)


def test_the_log_loss_of_half_a_battle_is_the_mean_of_two_hard_ones():
    probabilities = predict(1).probabilities[:2]
    labels = np.array([[0.5, 0.5, 0], [0, 0, 1]])
    a, b, tie = -np.log(probabilities).T
    assert row_log_loss(labels, probabilities) == pytest.approx([(a[0] + b[0]) / 2, tie[1]])
    assert log_loss(labels, probabilities, np.array([3.0, 1])) == pytest.approx(
        (3 * (a[0] + b[0]) / 2 + tie[1]) / 4
    )


def test_the_cross_entropy_is_sklearns_on_a_row_for_each_share():
    probabilities = predict(1).probabilities
    rows, codes = np.indices(SHARES.shape).reshape(2, -1)
    weights = (SHARES * WEIGHTS[:, None]).ravel()
    expected = sklearns_log_loss(codes, probabilities[rows], sample_weight=weights)
    assert log_loss(SHARES, probabilities, WEIGHTS) == pytest.approx(expected)


def test_no_prediction_is_below_the_entropy_of_the_labels():
    assert entropies(SHARES) == pytest.approx(entropy(SHARES, axis=1))
    assert row_log_loss(SHARES, SHARES) == pytest.approx(entropies(SHARES))
    assert (row_log_loss(SHARES, predict(1).probabilities) >= entropies(SHARES)).all()


@pytest.mark.parametrize("labels", [LABELS, SHARES], ids=["hard", "soft"])
def test_weights_give_every_metric_and_resample_of_the_repeated_rows(labels):
    weighted, repeated = bootstraps()
    found = resample_metrics(labels, predict(1), weighted)
    expected = resample_metrics(labels[ROWS], repeat(predict(1)), repeated)
    for name, values in found.items():
        assert values == pytest.approx(expected[name]), name
    codes, predicted = label_codes(labels), predict(1).probabilities.argmax(axis=1)
    assert found["accuracy"][0] == pytest.approx(
        accuracy_score(codes, predicted, sample_weight=WEIGHTS)
    )
    assert accuracy(labels, predict(1).probabilities, WEIGHTS) == found["accuracy"][0]
    assert found["f1_macro"][0] == pytest.approx(
        f1_score(codes, predicted, average="macro", sample_weight=WEIGHTS)
    )


def test_weights_give_the_intervals_and_the_test_of_the_repeated_rows():
    weighted, repeated = bootstraps()
    found = estimate_metrics(SHARES, [predict(1)], weighted)
    expected = estimate_metrics(SHARES[ROWS], [repeat(predict(1))], repeated)
    for name, one in found.items():
        other = expected[name]
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
    losses = [row_log_loss(SHARES, predict(seed).probabilities) for seed in (1, 2)]
    one = paired_difference(losses[0][None], losses[1][None], weighted)
    other = paired_difference(losses[0][None, ROWS], losses[1][None, ROWS], repeated)
    for name in ("value", "low", "high", "standard_error", "p"):
        assert getattr(one, name) == pytest.approx(getattr(other, name)), name
    assert standard_error(losses[0], GROUPS, WEIGHTS) == pytest.approx(
        standard_error(losses[0][ROWS], GROUPS[ROWS])
    )


def test_weights_give_the_groups_of_the_repeated_rows():
    assert effective_groups(GROUPS, WEIGHTS) == pytest.approx(effective_groups(GROUPS[ROWS]))
    # The scale of weights does not matter.
    assert effective_groups(GROUPS, WEIGHTS / 100) == pytest.approx(effective_groups(GROUPS[ROWS]))
    heavy = np.where(GROUPS[0] == GROUPS, 1e4, 1.0)
    assert explain_few_groups(GROUPS) is None
    assert "the largest with 100%" in explain_few_groups(GROUPS, heavy)
    assert not GroupBootstrap(GROUPS, 2, 1, weights=heavy).has_enough_groups()


def test_temperatures_are_those_of_a_row_for_each_share():
    rows, codes = np.indices(SHARES.shape).reshape(2, -1)
    weights = (SHARES * WEIGHTS[:, None]).ravel()
    probabilities = predict(1).probabilities
    expected = fit_temperature(codes, probabilities[rows], weights)
    found = fit_temperatures(SHARES, predict(1), WEIGHTS)
    assert found.in_order == pytest.approx(expected, rel=1e-4)
    assert fit_temperature(LABELS, probabilities, WEIGHTS) == pytest.approx(
        fit_temperature(LABELS[ROWS], probabilities[ROWS]), rel=1e-4
    )
    calibration = calibrate_run(SHARES, GROUPS, predict(1), 1, WEIGHTS)
    assert calibration.in_order.temperature == found.in_order
    several = sum(1 for shares in SHARES.tolist() if max(shares) < 1)
    assert calibration.soft_labels == several > 0
    assert calibrate_run(LABELS, GROUPS, predict(1), 1).soft_labels is None


def test_a_prediction_that_is_the_shares_has_no_calibration_error():
    assert calibration_errors(SHARES, SHARES) == pytest.approx({"top_label": 0, "class_wise": 0})
    truth = Predictions(np.arange(COUNT), SHARES, SHARES)
    weighted, _ = bootstraps()
    described = summarize_calibration(SHARES, [truth], weighted, oracle=None)
    bins = described["reliability"]
    assert [one["accuracy"] for one in bins] == pytest.approx([one["confidence"] for one in bins])
    assert sum(one["rows"] for one in bins) == COUNT


def test_weights_decide_the_precision_of_classes_but_not_their_number():
    found = class_figures(LABELS, predict(1).probabilities, WEIGHTS)
    expected = class_figures(LABELS[ROWS], predict(1).probabilities[ROWS])
    for label, figures in found.items():
        for name in ("precision", "recall", "f1"):
            assert figures[name] == pytest.approx(expected[label][name])
    assert [figures["rows"] for figures in found.values()] == np.bincount(LABELS).tolist()


def test_a_label_with_any_share_is_not_missing():
    shares = np.array([[0.9, 0, 0.1], [0, 1, 0]])
    assert missing_labels(shares, has_ties=True) == []
    assert missing_labels(label_codes(shares), has_ties=True) == ["tie"]


def test_the_prior_is_the_weighted_mean_of_the_shares():
    shares = np.array([[0.5, 0.5, 0], [0, 0, 1], [1, 0, 0]])
    assert label_prior(shares, None, np.array([2.0, 1, 1])) == pytest.approx([0.5, 0.25, 0.25])
    has_ties = np.array([True, True, False])
    assert label_prior(shares, has_ties) == pytest.approx([0.25, 0.25, 0.5])
    assert label_prior(np.array([0, 2]), None, np.array([3.0, 1])) == [0.75, 0, 0.25]
