"""The sizes of the full study and of the quick one, and its conditions."""

from dataclasses import dataclass

from preference.config.params import Params

# Data sets with tests for each one with intervals: tests need no resamples, and false alarms are
# rare.
TESTED = 5
# The same of data sets with cross-fitted models, of which each is trained on every fold.
CROSS_FITTED = 2
ARENA, JUDGED_AGAIN = "arena", "judged again"


@dataclass(frozen=True)
class Settings:
    """Sizes of one study.

    Args:
        stem: the name of the files that it writes, without extension.
        datasets: the data sets with intervals of each condition.
        other_rows: the battles of the conditions that differ from the default.
        battles: the battles of each population.
        resamples: the resamples of each interval, or None for the value of params.yaml.
        seeds: the seeds over which the truth of a model with several training runs is averaged.
    """

    stem: str
    datasets: int
    other_rows: tuple[int, ...]
    battles: int
    resamples: int | None
    seeds: int


@dataclass(frozen=True)
class Condition:
    """Data sets of about `rows` battles of a population.

    `without_groups` says whether the bootstrap of single battles is measured as well.
    """

    name: str
    population: str
    rows: int
    without_groups: bool


FULL = Settings(
    "statistics",
    datasets=300,
    other_rows=(100, 300, 3_000),
    battles=40_000,
    resamples=None,
    seeds=400,
)
QUICK = Settings(
    "statistics-quick", datasets=40, other_rows=(600,), battles=8_000, resamples=200, seeds=40
)


def study_conditions(settings: Settings, params: Params) -> list[Condition]:
    """Return the conditions; the first is as large as the default's test split."""
    rows = round(params.data.simulated.battles * params.split.test)
    return [
        Condition(f"arena, {rows:,} battles", ARENA, rows, without_groups=True),
        *(
            Condition(f"arena, {other:,} battles", ARENA, other, without_groups=False)
            for other in settings.other_rows
        ),
        Condition(f"judged again, {rows:,} battles", JUDGED_AGAIN, rows, without_groups=True),
    ]
