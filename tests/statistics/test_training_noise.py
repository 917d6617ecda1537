import numpy as np
import pytest
from scipy import stats

from preference.statistics.training_noise import NO_NOISE, StandardError, add_noise, pool_runs


def test_the_pooled_deviation_is_that_of_the_analysis_of_variance():
    random = np.random.default_rng(0)
    runs = [random.normal(mean, 0.1, count) for mean, count in ((1, 3), (2, 2), (5, 4))]
    found = pool_runs([*runs, np.array([7.0])])
    assert found.freedom == 6
    # F is the variance between the experiments, divided by that within them.
    means = np.array([values.mean() for values in runs])
    sizes = np.array([len(values) for values in runs])
    grand = np.concatenate(runs).mean()
    between = np.sum(sizes * (means - grand) ** 2) / 2
    assert between / found.value**2 == pytest.approx(stats.f_oneway(*runs).statistic)


def test_a_single_run_shows_no_noise():
    assert pool_runs([np.array([1.0]), np.array([2.0])]) is None


def test_resamples_get_the_noise_of_a_t_distribution():
    random = np.random.default_rng(8)
    of_battles = random.normal(0, 0.03, 200_000)
    error = StandardError(0.1 / np.sqrt(3), 2)
    found = add_noise(1.1 + np.concatenate([[0.0], of_battles]), error, random)
    assert found[0] == 1.1
    # A t distribution with two degrees of freedom has no variance: compare quantiles.
    expected = of_battles + error.value * random.standard_t(2, 200_000)
    quantiles = [0.025, 0.975]
    assert np.quantile(found[1:], quantiles) - 1.1 == pytest.approx(
        np.quantile(expected, quantiles), abs=0.01
    )


@pytest.mark.parametrize("error", [None, NO_NOISE])
def test_no_noise_is_added_where_there_is_none_or_it_is_unknown(error):
    resampled = np.array([1.0, 0.9, 1.1])
    assert add_noise(resampled, error, np.random.default_rng(0)).tolist() == [1.0, 0.9, 1.1]
