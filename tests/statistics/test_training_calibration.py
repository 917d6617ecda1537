"""The temperatures and figures of a bundle, against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from preference.battles.predictions import Predictions
from preference.statistics.calibration import calibrate_run, find_warnings
from preference.statistics.calibration_warnings import warn_of_bound

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
    found = calibrate_run(labels, groups, predictions, seed=1)
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
    first, again = (calibrate_run(*overconfident(), seed=1) for _ in range(2))
    assert first == again


def warnings_of(labels, groups, probabilities):
    predictions = Predictions(np.arange(len(labels)), probabilities, probabilities)
    found = calibrate_run(labels, groups, predictions, seed=1)
    return found, find_warnings("exp1", labels, groups, predictions, found)


def test_what_is_well_calibrated_is_not_warned_of():
    labels, groups, predictions = overconfident()
    assert warnings_of(labels, groups, predictions.probabilities)[1] == []


def test_too_few_groups_have_a_temperature_and_no_interval():
    labels, _, predictions = overconfident()
    found, warnings = warnings_of(labels, np.arange(COUNT) % 2, predictions.probabilities)
    for figure in found.in_order.metrics.values():
        assert figure.low is figure.high is None
    (warning,) = warnings
    assert warning.startswith("On calibration, 2 groups of battles are too few")


@pytest.mark.parametrize(
    ("of_label", "said"), [(0.6, "0.05, the smallest"), (0.1, "20.00, the largest")]
)
def test_a_temperature_without_a_best_value_is_told(of_label, said):
    """The model is right about all battles, or wrong about all: no finite temperature is best."""
    labels, groups = np.arange(90) % 3, np.arange(90)
    probabilities = np.full((90, 3), (1 - of_label) / 2)
    probabilities[groups, labels] = of_label
    _, warnings = warnings_of(labels, groups, probabilities)
    assert [text.partition(" that is tried")[0] for text in warnings] == [
        f"The temperature of exp1 is {said}",
        f"The temperature of exp1 for both orders is {said}",
    ]


@pytest.mark.parametrize(
    ("temperatures", "said"),
    [
        ({3: 20.0, 4: 20.0}, [" (seeds 3, 4) is 20.00, the largest"]),
        ({3: 20.0, 4: 1.3}, [" (seed 3) is 20.00, the largest"]),
        (
            {3: 20.0, 4: 0.05, 5: 19.995},
            [" (seed 4) is 0.05, the smallest", " (seeds 3, 5) is 20.00, the largest"],
        ),
        ({3: 20.0}, [" is 20.00, the largest"]),
        ({3: 1.3, 4: 0.9}, []),
    ],
)
def test_a_bound_is_told_once_with_the_seeds_that_came_to_it(temperatures, said):
    warnings = [text.partition(" that is tried")[0] for text in warn_of_bound("exp1", temperatures)]
    assert warnings == [f"The temperature of exp1{end}" for end in said]


def test_a_model_that_predicts_the_same_for_every_battle_is_told():
    labels, groups = np.arange(90) % 2, np.arange(90)
    found, warnings = warnings_of(labels, groups, np.full((90, 3), 1 / 3))
    # Every temperature leaves these as they are.
    assert found.in_order.temperature == found.both_orders.temperature == 1
    no_tie, constant = warnings
    assert no_tie.startswith("No calibration battle has the label tie")
    assert constant.startswith("exp1 predicts the same for every battle")
