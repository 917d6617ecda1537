"""How much the full study and the quick one simulate."""

from dataclasses import dataclass

from preference.config.params import Params

# Tests need no resamples, and false alarms are rare: so many data sets for each with intervals.
TESTED = 5
ARENA, JUDGED_AGAIN = "arena", "judged again"


@dataclass(frozen=True)
class Settings:
    """Sizes of one study.

    Args:
        stem: of the files that it writes.
        datasets: of each condition, with intervals.
        other_rows: battles of the second condition, whose size is not the default's.
        battles: of each population.
        resamples: of each interval; None for what params.yaml has.
        seeds: over which the truth of a model with several trainings is averaged.
    """

    stem: str
    datasets: int
    other_rows: int
    battles: int
    resamples: int | None
    seeds: int


@dataclass(frozen=True)
class Condition:
    """Data sets of about `rows` battles of a population.

    `without_groups`: whether to count, too, what ignoring the groups would do.
    """

    name: str
    population: str
    rows: int
    without_groups: bool


FULL = Settings(
    "statistics", datasets=300, other_rows=3_000, battles=40_000, resamples=None, seeds=400
)
QUICK = Settings(
    "statistics-quick", datasets=40, other_rows=600, battles=8_000, resamples=200, seeds=40
)


def asked_conditions(settings: Settings, params: Params) -> list[Condition]:
    """Return the conditions; the first is as large as the default's test split."""
    other, rows = settings.other_rows, round(params.data.simulated.battles * params.split.test)
    return [
        Condition(f"arena, {rows:,} battles", ARENA, rows, without_groups=True),
        Condition(f"arena, {other:,} battles", ARENA, other, without_groups=False),
        Condition(f"judged again, {rows:,} battles", JUDGED_AGAIN, rows, without_groups=True),
    ]
