import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from preference.statistics.cluster_bootstrap import GroupBootstrap
from preference.statistics.paired_tests import (
    Difference,
    correct_by_holm,
    noise_of_a_change,
    paired_difference,
)
from preference.statistics.training_noise import NO_NOISE, StandardError, pool_runs


def difference_of(p):
    return Difference(value=0.1, low=0.0, high=0.2, standard_error=0.05, p=p)


def compare(first, second, groups):
    bootstrap = GroupBootstrap(groups, 2000, seed=0)
    return paired_difference(np.atleast_2d(first), np.atleast_2d(second), bootstrap)


def test_single_battles_give_the_paired_t_test():
    first, second = np.random.default_rng(0).normal([[0.0], [0.1]], 1, (2, 400))
    found = compare(first, second, np.arange(400))
    theirs = stats.ttest_rel(first, second)
    assert found.value == pytest.approx((first - second).mean())
    assert found.p == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("training", [NO_NOISE, StandardError(0.05, 2)])
def test_an_interval_leaves_out_0_where_the_difference_is_significant_and_only_there(training):
    """True differences are near the limit, where two rules would disagree about some of them."""
    random, significant = np.random.default_rng(11), []
    for number in range(200):
        groups = np.arange(random.choice([31, 60]))
        error = np.hypot(1 / np.sqrt(len(groups)), training.value)
        # A difference as skewed as that of two log losses is where a few battles decide.
        losses = random.exponential(size=len(groups)) - 1 + 2 * error
        bootstrap = GroupBootstrap(groups, 200, seed=number)
        found = paired_difference(losses[None], np.zeros((1, len(groups))), bootstrap, training)
        significant.append(found.p < 0.05)
        assert significant[-1] == (not found.low <= 0 <= found.high)
    assert 0.2 < np.mean(significant) < 0.8


def test_intervals_of_few_groups_cover_the_true_difference():
    """95 % is asked, and 1,000 data sets tried. Of the percentiles of a bootstrap, 92 % cover."""
    random, drawn = np.random.default_rng(12), (1000, 31)
    log_odds = random.normal(0, 1.5, drawn)
    sign = np.where(random.random(drawn) < expit(log_odds), 1, -1)
    # Two models err equally, so that their true difference is 0.
    first, second = (-np.log(expit(sign * (log_odds + random.normal(0, 0.7, drawn)))) for _ in "ab")
    bootstrap = GroupBootstrap(np.arange(31), 200, seed=0)
    found = [
        paired_difference(one[None], other[None], bootstrap)
        for one, other in zip(first, second, strict=True)
    ]
    assert 0.935 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.965


def test_runs_and_hardly_any_noise_of_battles_give_the_t_test_with_pooled_variance():
    random = np.random.default_rng(1)
    runs = random.normal(1.0, 0.2, 4), random.normal(1.1, 0.2, 6)
    battles = random.normal(0, 1e-4, 50)
    first, second = (run[:, None] + battles * factor for factor, run in enumerate(runs))
    training = pool_runs(runs).times(np.sqrt(1 / 4 + 1 / 6))
    bootstrap = GroupBootstrap(np.arange(50), 20_000, seed=0)
    found = paired_difference(first, second, bootstrap, training)
    theirs = stats.ttest_ind(*runs, equal_var=True)
    assert found.p == pytest.approx(theirs.pvalue, rel=0.1)
    assert 0.01 < found.p < 0.2
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.005)


def test_the_noise_of_battles_and_of_training_add_up():
    random = np.random.default_rng(9)
    first, second = random.normal([[0.0], [0.1]], 1, (2, 400))
    battles = compare(first, second, np.arange(400))
    # With so many degrees of freedom, the t distribution is the normal distribution.
    training = StandardError(battles.standard_error, 10**6)
    bootstrap = GroupBootstrap(np.arange(400), 20_000, seed=0)
    both = paired_difference(first[None], second[None], bootstrap, training)
    assert both.standard_error == pytest.approx(np.sqrt(2) * battles.standard_error)
    expected = 2 * stats.norm.sf(abs(both.value) / both.standard_error)
    assert both.p == pytest.approx(expected, abs=0.01)
    assert both.high - both.low == pytest.approx(
        2 * stats.norm.ppf(0.975) * both.standard_error, rel=0.03
    )


def test_where_the_noise_of_training_is_unknown_nothing_is_tested():
    first, second = np.random.default_rng(0).normal([[0.0], [0.5]], 1, (2, 400))
    bootstrap = GroupBootstrap(np.arange(400), 200, seed=0)
    found = paired_difference(first[None], second[None], bootstrap, training=None)
    assert found.p is None and found.low < found.value < found.high


def test_copies_of_a_battle_in_its_group_are_no_new_evidence():
    first, second = np.random.default_rng(2).normal([[0.0], [0.1]], 1, (2, 300))
    once = compare(first, second, np.arange(300))
    copied = compare(np.repeat(first, 5), np.repeat(second, 5), np.repeat(np.arange(300), 5))
    assert copied.p == pytest.approx(once.p)
    assert copied.standard_error == pytest.approx(once.standard_error)


def test_what_is_hard_for_both_models_cancels():
    random = np.random.default_rng(3)
    hard = random.normal(0, 10, 300)
    found = compare(hard + random.normal(0, 0.1, 300), hard + 0.1, np.arange(300))
    assert found.value == pytest.approx(-0.1, abs=0.03)
    assert found.high < 0
    assert found.p < 1e-6


def test_equal_models_do_not_differ():
    losses = np.random.default_rng(4).normal(size=50)
    found = compare(losses, losses, np.arange(50))
    assert (found.value, found.low, found.high, found.p) == (0, None, None, 1)


def test_models_that_differ_by_rounding_do_not_differ():
    """A float32 copy of a model moves all losses by less than anybody would call a difference."""
    losses = np.random.default_rng(4).uniform(0.5, 1.5, size=50)
    found = compare(losses, losses.astype(np.float32), np.arange(50))
    assert (found.low, found.high, found.p) == (None, None, 1)


@pytest.mark.parametrize("sizes", [[25] * 2, [1] * 29, [100] + [1] * 60])
def test_too_few_groups_are_not_tested(sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    losses = np.random.default_rng(5).normal(size=(2, len(groups)))
    found = compare(losses[0], losses[1] + 1, groups)
    assert found.value == pytest.approx(losses[0].mean() - losses[1].mean() - 1)
    assert found.low is found.high is found.standard_error is found.p is None
    assert correct_by_holm({"a": found, "b": found})["b"].p_holm is None


def test_a_constant_difference_has_the_p_value_of_the_sign_test():
    losses = np.ones(50)
    found = compare(losses, losses * 2, np.arange(50))
    assert found.p == pytest.approx(stats.binomtest(50, 50).pvalue)
    assert (found.value, found.low, found.high) == (-1, None, None)


def test_holm_by_hand():
    """4 x .01, 3 x .02, then 2 x .02 is less than before, and 1 x .5."""
    corrected = correct_by_holm(
        {"c": difference_of(0.02), "a": difference_of(0.01), "d": difference_of(0.5)}
        | {"b": difference_of(0.02)}
    )
    assert list(corrected) == ["c", "a", "d", "b"]
    found = {name: difference.p_holm for name, difference in corrected.items()}
    assert found == pytest.approx({"a": 0.04, "b": 0.06, "c": 0.06, "d": 0.5})


def test_holm_corrects_nothing_alone_and_never_exceeds_one():
    assert correct_by_holm({"a": difference_of(0.03)})["a"].p_holm == 0.03
    pair = correct_by_holm({"a": difference_of(0.7), "b": difference_of(0.9)})
    assert [difference.p_holm for difference in pair.values()] == [1.0, 1.0]


def test_holm_leaves_out_what_was_not_tested():
    found = correct_by_holm({"a": difference_of(0.01), "b": difference_of(None)})
    assert (found["a"].p_holm, found["b"].p_holm) == (0.01, None)


def test_the_noise_of_a_change_is_the_half_width_of_its_interval():
    random = np.random.default_rng(10)
    losses = {name: random.normal(size=(1, 400)) for name in ("a", "b", "c")}
    bootstrap = GroupBootstrap(np.arange(400), 200, seed=0)
    training = StandardError(0.05, 10**6)
    found = noise_of_a_change("a", ["a", "b", "c"], losses, bootstrap, training)
    variances = [np.var(losses["a"] - losses[other], ddof=1) / 400 for other in ("b", "c")]
    error = np.sqrt(np.mean(variances) + training.value**2)
    assert found == pytest.approx(stats.norm.ppf(0.975) * error, rel=0.03)
    assert noise_of_a_change("a", ["b"], losses, bootstrap, None) is None
    assert noise_of_a_change("a", ["a"], losses, bootstrap, training) is None
