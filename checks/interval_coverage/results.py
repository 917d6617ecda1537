"""Summarize the counts as rates with intervals: the content of the JSON file."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import binomtest

from checks.interval_coverage.alarms import AGAINST_ONE, ONE_NULL, TRUE_DIFFERENCE
from checks.interval_coverage.models import RIVAL
from checks.interval_coverage.settings import TESTED, Condition
from checks.interval_coverage.study import GROUPS, Counts
from checks.interval_coverage.world import ONCE, TRAINED, World, difference
from preference.report.significance import SIGNIFICANCE_LEVEL
from preference.statistics.cluster_bootstrap import CONFIDENCE_LEVEL, FEWEST_GROUPS

Row = dict[str, Any]
HEADLINE = (RIVAL, "log_loss")
NOISY_HEADLINE = difference(ONCE, TRAINED)
# The requirements on the pipeline.
LOWEST, HIGHEST, MOST_FALSE_ALARMS = 0.93, 0.97, 0.06


def summarize(
    counts: Counts,
    worlds: Mapping[str, World],
    conditions: list[Condition],
    datasets: int,
    resamples: int,
    few_groups: list[Row],
) -> dict[str, Any]:
    """Return every rate with its Wilson interval, and the headline.

    `coverage` is that of the log loss of `noisy`, and `false_alarm_rate` that of the null pair,
    both in the first condition. Those with the noise of training are of two models of one recipe,
    trained once and several times. The extremes are over all intervals that resample groups.
    `few_groups` are the rows of `measure_few_groups`.
    """
    populations = {condition.name: worlds[condition.population] for condition in conditions}
    intervals, tests, tests_of = [], [], datasets * TESTED
    for (condition, resampled, asked), count in counts.items():
        row = {"condition": condition, "resampled": resampled}
        if isinstance(asked, str):
            tests.append(row | {"test": asked} | share_of(count, tests_of))
        else:
            model, figure = asked
            truth = populations[condition].truth[asked]
            named = {"model": model, "figure": figure, "truth": truth}
            intervals.append(row | named | share_of(count, datasets))
    of_groups = [row["share"] for row in intervals if row["resampled"] == GROUPS]
    first = conditions[0].name
    return {
        "simulated": True,
        "coverage": counts[first, GROUPS, HEADLINE] / datasets,
        "false_alarm_rate": counts[first, GROUPS, ONE_NULL] / tests_of,
        "coverage_with_training_noise": counts[first, GROUPS, NOISY_HEADLINE] / datasets,
        "false_alarm_rate_with_training_noise": counts[first, GROUPS, AGAINST_ONE] / tests_of,
        "datasets": datasets,
        "datasets_tested": tests_of,
        "lowest_coverage": min(of_groups),
        "highest_coverage": max(of_groups),
        "confidence": CONFIDENCE_LEVEL,
        "real_below": SIGNIFICANCE_LEVEL,
        "resamples": resamples,
        "conditions": [_describe(one, populations[one.name]) for one in conditions],
        "intervals": intervals,
        "tests": tests,
        "fewest_groups": FEWEST_GROUPS,
        "few_groups": few_groups,
    }


def is_outside(row: Row) -> bool:
    """Return whether a rate misses the requirement; there is no requirement on power."""
    if "figure" in row:
        return not LOWEST <= row["share"] <= HIGHEST
    return row["test"] != TRUE_DIFFERENCE and row["share"] > MOST_FALSE_ALARMS


def is_surely_outside(row: Row) -> bool:
    """Return whether the whole interval of a rate misses the requirement."""
    bounds = [{**row, "share": row[bound]} for bound in ("low", "high")]
    same_side = row["high"] < LOWEST or row["low"] > HIGHEST or "test" in row
    return same_side and all(map(is_outside, bounds))


def share_of(count: int, datasets: int) -> dict[str, float]:
    """Return a rate with its 95 % Wilson interval."""
    interval = binomtest(count, datasets).proportion_ci(method="wilson")
    return {"share": count / datasets, "low": float(interval.low), "high": float(interval.high)}


def _describe(condition: Condition, world: World) -> Row:
    sizes = world.population.sizes
    return {
        "name": condition.name,
        "rows": condition.rows,
        "groups": round(condition.rows / sizes.mean()),
        "share_in_groups_of_several": float(sizes[sizes > 1].sum() / sizes.sum()),
        "largest_group": int(sizes.max()),
        "seed_sd": world.seed_sd,
    }
