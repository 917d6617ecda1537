"""Draw data sets, and count how often intervals cover the truth and tests are significant.

Guarantee: the same settings, parameters and seed give the same counts.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from checks.interval_coverage.alarms import call_real, call_trainings_real
from checks.interval_coverage.intervals import estimate_all, estimate_losses
from checks.interval_coverage.models import Models, take
from checks.interval_coverage.population import (
    MEAN_JUDGES,
    DataSet,
    arena_population,
    draw_data_set,
    judge_again,
)
from checks.interval_coverage.settings import ARENA, JUDGED_AGAIN, TESTED, Condition, Settings
from checks.interval_coverage.trained_models import TrainedModels, train_models
from checks.interval_coverage.world import Figure, World, build_world
from preference.statistics.cluster_bootstrap import (
    FEWEST_GROUPS,
    GroupBootstrap,
    effective_groups,
)

# The units that the bootstrap resamples.
GROUPS, BATTLES = "groups", "battles"

# By condition, resampled unit, and metric or test: how often covered, or significant.
Counts = Counter[tuple[str, str, Figure | str]]


@dataclass(frozen=True)
class Drawn:
    """A data set, the predictions of the models for it, and the seed of the resamples."""

    data: DataSet
    models: Models
    trained: TrainedModels
    seed: list[int]


def build_worlds(settings: Settings, length_scale: float, seed: int) -> dict[str, World]:
    """Return each population with its models and its truth."""
    random = np.random.default_rng(seed)
    arena = arena_population(random, settings.battles, length_scale)
    few = arena_population(random, round(settings.battles / MEAN_JUDGES), length_scale)
    populations = {ARENA: arena, JUDGED_AGAIN: judge_again(few, random)}
    return {
        name: build_world(population, settings.seeds, random)
        for name, population in populations.items()
    }


# The matrix products are thin: threads would spend their time waiting for each other.
@threadpool_limits.wrap(limits=1)
def count_claims(
    worlds: dict[str, World],
    conditions: list[Condition],
    datasets: int,
    resamples: int,
    seed: int,
) -> Counts:
    """Draw data sets of each condition, and count.

    Args:
        worlds: the populations.
        conditions: the conditions to simulate.
        datasets: the data sets with intervals of each condition; `TESTED` times as many are tested.
        resamples: the resamples of each interval.
        seed: decides the data sets and the resamples.
    """
    counts: Counts = Counter()
    with tqdm(total=len(conditions) * datasets * TESTED, unit=" data sets") as progress:
        for number, condition in enumerate(conditions):
            progress.set_description(condition.name)
            world = worlds[condition.population]
            for dataset in range(datasets * TESTED):
                drawn = _draw(world, condition, [seed, number, dataset])
                _count_alarms(counts, condition, drawn)
                if dataset < datasets:
                    _count_covered(counts, condition, drawn, world, resamples)
                progress.update()
    return counts


def _draw(world: World, condition: Condition, seed: list[int]) -> Drawn:
    random = np.random.default_rng(seed)
    data = draw_data_set(world.population, condition.rows, random)
    # Where a large group makes them too few, the pipeline gives no interval and tests nothing.
    while effective_groups(data.groups) < FEWEST_GROUPS:
        data = draw_data_set(world.population, condition.rows, random)
    models = {name: take(one, data.battles) for name, one in world.models.items()}
    return Drawn(data, models, train_models(models, data.labels, random), [*seed, 1])


def _count_alarms(counts: Counts, condition: Condition, drawn: Drawn) -> None:
    data = drawn.data
    found = {
        GROUPS: call_real(drawn.models, data.labels, data.groups)
        | call_trainings_real(drawn.trained, data.groups)
    }
    if condition.without_groups:
        found[BATTLES] = call_real(drawn.models, data.labels, data.each)
    for resampled, tests in found.items():
        for test, real in tests.items():
            counts[condition.name, resampled, test] += real


def _count_covered(
    counts: Counts, condition: Condition, drawn: Drawn, world: World, resamples: int
) -> None:
    data, models = drawn.data, drawn.models
    by_group = GroupBootstrap(data.groups, resamples, drawn.seed)
    found = {GROUPS: estimate_all(models, drawn.trained, data.labels, by_group)}
    if condition.without_groups:
        by_battle = GroupBootstrap(data.each, resamples, drawn.seed)
        found[BATTLES] = estimate_losses(models, data.labels, by_battle)
    for resampled, intervals in found.items():
        for figure, interval in intervals.items():
            covered = interval.low <= world.truth[figure] <= interval.high
            counts[condition.name, resampled, figure] += covered
