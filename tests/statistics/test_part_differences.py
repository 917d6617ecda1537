"""A difference of two means, against Welch's and the paired t test, and with a planted truth."""

import numpy as np
import pytest
from scipy import stats

from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.part_differences import difference_of_parts, excess_on_part
from preference.statistics.training_noise import StandardError

COUNT, OF_PART = 400, 40
MEMBERS = np.arange(COUNT) < OF_PART


def compare(values, members, groups, weights=None, **arguments):
    bootstrap = GroupBootstrap(groups, resamples=0, seed=0, weights=weights)
    return difference_of_parts(
        np.atleast_2d(values), np.zeros((1, len(values))), members, bootstrap, **arguments
    )


@pytest.mark.parametrize("level", [0.0, -10.0])
def test_single_battles_have_the_standard_error_of_welch(level):
    values = np.random.default_rng(0).normal(np.where(MEMBERS, 0.5, 0), np.where(MEMBERS, 2, 1))
    found = compare(values + level, MEMBERS, np.arange(COUNT))
    theirs = stats.ttest_ind(values[MEMBERS], values[~MEMBERS], equal_var=False)
    assert found.value == pytest.approx(values[MEMBERS].mean() - values[~MEMBERS].mean())
    assert found.value / found.standard_error == pytest.approx(theirs.statistic)
    # Nearly all of the error is that of the part, whose degrees of freedom are fewest.
    assert found.p == pytest.approx(theirs.pvalue, rel=0.1)
    assert found.p >= theirs.pvalue
    expected = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_groups_with_one_battle_in_each_part_give_the_paired_t_test():
    random = np.random.default_rng(1)
    hard = random.normal(0, 5, 50)
    on_part, on_rest = hard + random.normal(0.1, 1, 50), hard + random.normal(0, 1, 50)
    members = np.arange(100) < 50
    found = compare(np.concatenate([on_part, on_rest]), members, np.tile(np.arange(50), 2))
    theirs = stats.ttest_rel(on_part, on_rest)
    assert found.p == pytest.approx(theirs.pvalue)
    expected = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_battle_that_counts_twice_is_as_two_in_one_group():
    random = np.random.default_rng(2)
    values, groups = random.normal(size=COUNT), random.integers(150, size=COUNT)
    weights = random.integers(1, 4, size=COUNT)
    rows = np.repeat(np.arange(COUNT), weights)
    members = random.random(COUNT) < 0.4
    one = compare(values, members, groups, weights.astype(np.float64))
    other = compare(values[rows], members[rows], groups[rows])
    for name in ("value", "low", "high", "standard_error", "p"):
        assert getattr(one, name) == pytest.approx(getattr(other, name)), name


@pytest.mark.parametrize("deviation", [0.0, 0.1])
def test_intervals_hold_the_planted_excess_and_false_alarms_are_rare(deviation):
    """Groups have battles in both parts, the part has few, and a model is trained three times."""
    random = np.random.default_rng(3)
    found = []
    for _ in range(600):
        groups = random.integers(120, size=COUNT)
        members = random.random(COUNT) < np.where(groups < 80, 0.5, 0.0)
        battles = random.exponential(size=COUNT) + 0.5 * random.normal(size=120)[groups] - 5
        runs = battles + random.normal(0, deviation, (3, 1)) * members
        training = StandardError(0.0, 1)
        if deviation:
            gains = excess_on_part(runs, members)
            training = StandardError(gains.std(ddof=1) / np.sqrt(3), 2)
        found.append(compare_runs(runs, members, groups, training))
    covering = np.mean([one.low <= 0 <= one.high for one in found])
    assert covering == 1 - np.mean([one.p < 0.05 for one in found])
    # Two errors of few degrees of freedom are on the safe side.
    assert 0.93 <= covering <= (0.99 if deviation else 0.97)
    errors = [one.standard_error for one in found]
    assert np.mean(np.square(errors)) == pytest.approx(
        np.var([one.value for one in found]), rel=0.15
    )


def compare_runs(runs, members, groups, training):
    bootstrap = GroupBootstrap(groups, resamples=0, seed=int(groups.sum()))
    return difference_of_parts(runs, np.zeros((1, COUNT)), members, bootstrap, training)


@pytest.mark.parametrize("few", [29, COUNT - 29])
def test_too_few_groups_in_either_part_are_not_tested(few):
    values, members = np.random.default_rng(4).normal(size=COUNT), np.arange(COUNT) < few
    found = compare(values, members, np.arange(COUNT))
    assert found.value == pytest.approx(values[members].mean() - values[~members].mean())
    assert found.low is found.high is found.standard_error is found.p is None


def test_a_difference_that_is_constant_on_either_part_has_the_sign_test_of_the_smaller():
    found = compare(np.where(MEMBERS, 1.0, 3.0), MEMBERS, np.arange(COUNT))
    assert (found.value, found.low, found.high) == (-2, None, None)
    assert found.p == pytest.approx(stats.binomtest(OF_PART, OF_PART).pvalue)


def test_the_rest_must_have_battles():
    with pytest.raises(ZeroDivisionError):
        excess_on_part(np.zeros(3), np.ones(3, dtype=bool))
