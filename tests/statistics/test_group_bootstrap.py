import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from preference.statistics.cluster_bootstrap import GroupBootstrap, effective_groups
from preference.statistics.metric_estimates import resampled_f1_macro
from preference.statistics.metrics import one_hot, standard_error


def bootstrap_of(groups, resamples=4000, seed=0):
    return GroupBootstrap(np.asarray(groups), resamples, seed)


def test_interval_of_a_mean_is_the_normal_one_where_groups_are_single_battles():
    values = np.random.default_rng(1).normal(3, 2, 900)
    bootstrap = bootstrap_of(np.arange(900))
    found = bootstrap.interval(bootstrap.means(values))
    low, high = stats.norm.interval(0.95, values.mean(), values.std() / np.sqrt(900))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_standard_error_is_the_clustered_one():
    random = np.random.default_rng(2)
    groups = random.integers(300, size=900)
    # Battles of one group are alike: single battles would claim far too much.
    values = random.normal(size=300)[groups] + 0.1 * random.normal(size=900)
    bootstrap = bootstrap_of(groups)
    found = bootstrap.means(values)[1:].std()
    assert found == pytest.approx(standard_error(values, groups), rel=0.05)
    assert found > 1.5 * values.std() / 30


def test_interval_agrees_with_scipy_where_groups_are_single_battles():
    values = np.random.default_rng(3).exponential(size=200)
    bootstrap = bootstrap_of(np.arange(200), resamples=20_000)
    found = bootstrap.interval(bootstrap.means(values))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=4
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_resamples_are_of_groups_drawn_with_replacement():
    bootstrap = bootstrap_of([7, 7, 3, 3, 3], resamples=200)
    totals = bootstrap.totals(np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]))
    assert totals[0].tolist() == [2, 3]
    # Two draws from two groups: either one twice, or both.
    assert {tuple(row) for row in totals[1:]} == {(4, 0), (2, 3), (0, 6)}


def test_the_same_seed_gives_the_same_resamples_and_another_gives_others():
    values = np.arange(40.0)
    means = [bootstrap_of(np.arange(40), 100, seed).means(values) for seed in (5, 5, 6)]
    assert np.array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])


@pytest.mark.parametrize(
    ("groups", "worth"),
    [([1, 1, 1], 1), ([1, 1, 2, 2], 2), (np.arange(40), 40), ([0] * 30 + list(range(1, 31)), 3.87)],
)
def test_groups_are_worth_their_number_where_they_are_equally_large(groups, worth):
    assert effective_groups(np.asarray(groups)) == pytest.approx(worth, rel=1e-2)


def test_too_few_groups_have_no_interval():
    for count, has_one in ((1, False), (2, False), (29, False), (30, True)):
        groups = np.arange(count)
        bootstrap = bootstrap_of(groups, 100)
        found = bootstrap.interval(bootstrap.means(groups.astype(float)))
        assert found.value == pytest.approx(groups.mean())
        assert (found.low is not None, found.high is not None) == (has_one, has_one)


def test_the_groups_of_a_part_are_counted_apart():
    members = np.arange(60) < 20
    bootstrap = bootstrap_of(np.arange(60), 100)
    values = bootstrap.means(np.arange(60.0))
    assert bootstrap.interval(values, members).low is None
    assert bootstrap.interval(values, ~members).low is not None


def test_resamples_that_are_all_alike_give_no_interval():
    bootstrap = bootstrap_of(np.arange(50), 100)
    found = bootstrap.interval(bootstrap.means(np.full(50, 0.1)))
    assert (found.value, found.low, found.high) == (pytest.approx(0.1), None, None)


def test_f1_of_counts_is_that_of_scikit_learn():
    random = np.random.default_rng(7)
    for classes in (3, 2, 1):
        labels, predicted = random.integers(classes, size=(2, 60))
        counts = one_hot(labels).T @ one_hot(predicted)
        theirs = f1_score(labels, predicted, labels=[0, 1, 2], average="macro", zero_division=0)
        assert resampled_f1_macro(counts) == pytest.approx(theirs)
