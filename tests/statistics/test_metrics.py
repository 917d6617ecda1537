import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from preference.statistics.metric_estimates import resampled_f1_macro
from preference.statistics.metrics import (
    accuracy,
    class_figures,
    confusion_counts,
    flips,
    log_loss,
    standard_error,
    swap_difference,
)
from preference.statistics.oracle_metrics import agreement_decides, recovered_slopes, regret

seeds = st.integers(0, 2**32 - 1)


def draw_predictions(seed, rows=50):
    random = np.random.default_rng(seed)
    return random.integers(0, 3, rows), random.dirichlet([1, 1, 1], rows)


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def draw_truth(seed, rows=400):
    """Return the true probabilities of a Davidson model, and its two parts."""
    surface, agreement = np.random.default_rng(seed).normal(size=(2, rows))
    return probabilities_of(surface + agreement), surface, agreement


def probabilities_of(log_odds):
    return softmax(np.column_stack([log_odds / 2, -log_odds / 2, np.full(len(log_odds), -0.3)]))


@given(seeds)
def test_measures_are_those_of_sklearn(seed):
    labels, probabilities = draw_predictions(seed)
    predicted = probabilities.argmax(axis=1)
    assert log_loss(labels, probabilities) == pytest.approx(
        sklearn_metrics.log_loss(labels, probabilities, labels=[0, 1, 2])
    )
    assert accuracy(labels, probabilities) == sklearn_metrics.accuracy_score(labels, predicted)
    report = sklearn_metrics.classification_report(
        labels, predicted, labels=[0, 1, 2], output_dict=True, zero_division=0
    )
    for number, figures in enumerate(class_figures(labels, probabilities).values()):
        expected = list(report[str(number)].values())
        assert list(figures.values()) == pytest.approx(expected)


def test_a_certain_error_costs_what_sklearn_makes_it_cost():
    labels, probabilities = np.array([0, 1, 2]), np.eye(3)[[1, 1, 2]]
    expected = sklearn_metrics.log_loss(labels, probabilities, labels=[0, 1, 2])
    assert log_loss(labels, probabilities) == pytest.approx(expected)
    assert expected > 10


def test_measures_of_a_case_computed_by_hand():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3], [0.6, 0.2, 0.2]])
    expected = -np.log([0.5, 0.2, 0.5, 0.2]).mean()
    assert log_loss(labels, probabilities) == pytest.approx(expected)
    assert accuracy(labels, probabilities) == 0.5
    # F1 is 0.5 for A and B; a tie, which is neither predicted nor present, counts as 0.
    counts = np.array(confusion_counts(labels, probabilities))
    assert resampled_f1_macro(counts) == pytest.approx(1 / 3)
    assert confusion_counts(labels, probabilities) == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert class_figures(labels, probabilities)["A"] == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "rows": 2,
    }


def test_flips_are_changed_labels_and_not_changed_probabilities():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.4, 0.5, 0.1]])
    swapped = np.array([[0.4, 0.3, 0.3], [0.3, 0.5, 0.2], [0.1, 0.1, 0.8], [0.4, 0.5, 0.1]])
    assert flips(probabilities, swapped).tolist() == [False, True, False, False]
    assert swap_difference(probabilities, swapped) == pytest.approx([0.2 / 3, 0.4 / 3, 0, 0])


def test_standard_error_of_single_battles_is_the_textbook_one():
    values = np.random.default_rng(1).normal(size=30)
    expected = values.std(ddof=1) / np.sqrt(30)
    assert standard_error(values, np.arange(30)) == pytest.approx(expected)


def test_standard_error_counts_copies_of_a_battle_once():
    values = np.random.default_rng(1).normal(size=30)
    copied = standard_error(np.repeat(values, 4), np.repeat(np.arange(30), 4))
    assert copied == pytest.approx(standard_error(values, np.arange(30)))
    with pytest.raises(ValueError, match="two groups"):
        standard_error(values, np.zeros(30))


def test_standard_error_is_the_spread_over_many_samples():
    random = np.random.default_rng(2)
    groups = np.repeat(np.arange(100), 3)
    samples = random.normal(size=(2000, 100))[:, groups] + random.normal(size=(2000, 300))
    estimates = [standard_error(sample, groups) for sample in samples[:200]]
    assert np.mean(estimates) == pytest.approx(samples.mean(axis=1).std(), rel=0.1)


@given(seeds)
def test_regret_is_the_expected_excess_of_log_loss(seed):
    oracle, _, _ = draw_truth(seed)
    _, probabilities = draw_predictions(seed, len(oracle))
    assert regret(oracle, oracle) == 0
    assert regret(oracle, probabilities) > 0
    expected_loss = sum(
        np.mean(oracle[:, label] * (np.log(oracle) - np.log(probabilities))[:, label])
        for label in range(3)
    )
    assert regret(oracle, probabilities) == pytest.approx(expected_loss)


def test_regret_of_a_coin_is_known_in_closed_form():
    oracle = np.array([[0.5, 0.5, 0.0]])
    assert regret(oracle, np.array([[0.25, 0.25, 0.5]])) == pytest.approx(np.log(2))
    assert np.isfinite(regret(np.eye(3), np.eye(3)[::-1]))


@given(seeds)
def test_slopes_tell_what_a_model_sees(seed):
    oracle, surface, agreement = draw_truth(seed)
    bias = 0.2
    planted = {
        (1, 1): oracle,
        (1, 0): probabilities_of(surface),
        (0.5, 0.25): probabilities_of(bias + 0.5 * surface + 0.25 * agreement),
        (0, 0): probabilities_of(np.zeros(len(oracle))),
    }
    for slopes, probabilities in planted.items():
        assert recovered_slopes(probabilities, oracle, agreement) == pytest.approx(slopes, abs=1e-6)


def test_agreement_decides_where_it_weighs_more():
    oracle, surface, agreement = draw_truth(3)
    decides = agreement_decides(oracle, agreement)
    assert decides.tolist() == (np.abs(agreement) > np.abs(surface)).tolist()
    assert 0.4 < decides.mean() < 0.6
