"""The leaderboard of the models that the battles name, by votes and by judges: words and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from preference.rendering.numbers import (
    Sentence,
    interval,
    join,
    number,
    signed,
    signed_interval,
    with_interval,
)
from preference.rendering.tables import NONE, Cell, Table, estimate_cell
from preference.report.significance import SIGNIFICANCE_LEVEL

MOST_NAMED = 5
UNKNOWN = "unknown, because chance explains all of the differences between the ratings"

Leaderboard = Mapping[str, Any]


def describe_leaderboard(leaderboard: Leaderboard, best: str) -> list[Sentence]:
    """Report who leads, how few battles there are, and how far the judges agree.

    Args:
        leaderboard: the content of `metrics/leaderboard.json`.
        best: the best experiment.
    """
    if leaderboard["reason"]:
        return [Sentence(leaderboard["reason"])]
    return [
        *_describe_ranks(leaderboard),
        *_describe_left_out(leaderboard),
        *_describe_truth(leaderboard, best),
        *_describe_judges(leaderboard, best),
    ]


def leaderboard_table(leaderboard: Leaderboard, best: str) -> Table | None:
    """Return the rating of every model, or None where there is no leaderboard."""
    if leaderboard["reason"]:
        return None
    has_truth = leaderboard["truth"] is not None
    differences = leaderboard["judged"]["judges"].get(best, {}).get("differences", {})
    rows = [_row(row, differences, has_truth) for row in leaderboard["models"]]
    truth = ("true rating",) if has_truth else ()
    judged = (f"{best} minus votes",) if differences else ()
    header = ("model", "rank", "battles", "rating by votes", "with style control", *truth, *judged)
    return Table("Ratings of the models", header, rows)


def judge_table(leaderboard: Leaderboard) -> Table | None:
    """Return how the ratings by each judge agree with those by the votes."""
    if leaderboard["reason"] or not leaderboard["judged"]["judges"]:
        return None
    truth = leaderboard["judged"]["truth"]
    header = (
        "judge",
        "rank correlation with votes",
        "uncorrected",
        *(("rank correlation with the truth",) if truth else ()),
        "overrates",
        "underrates",
    )
    return Table("Judges in the place of the votes", header, _judge_rows(leaderboard))


def _judge_rows(leaderboard: Leaderboard) -> list[list[Cell]]:
    truth = leaderboard["judged"]["truth"]
    rows = []
    for name, judge in leaderboard["judged"]["judges"].items():
        over, under = misrated(judge)
        correlation = judge["rank_correlation"]
        observed = correlation["observed"]
        rows.append(
            [
                Cell(name),
                _correlation_cell(correlation),
                Cell(NONE if observed is None else number(observed, 2)),
                *([_correlation_cell(truth[name])] if truth else []),
                Cell(_some(over) if over else NONE),
                Cell(_some(under) if under else NONE),
            ]
        )
    return rows


def misrated(judge: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the models that a judge significantly overrates, and underrates."""
    significant = {
        name: difference["value"]
        for name, difference in judge["differences"].items()
        if difference["p_holm"] is not None and difference["p_holm"] < SIGNIFICANCE_LEVEL
    }
    ordered = sorted(significant, key=lambda name: -abs(significant[name]))
    return (
        [name for name in ordered if significant[name] > 0],
        [name for name in ordered if significant[name] < 0],
    )


def _describe_ranks(leaderboard: Leaderboard) -> list[Sentence]:
    models = leaderboard["models"]
    ranked = [row for row in models if row["rank"] is not None]
    text = (
        f"{leaderboard['battles']:,} battles between {len(models):,} models, in "
        f"{leaderboard['groups']:,} groups."
    )
    if not ranked:
        return [Sentence(f"{text} No model has enough battles for an interval and a rank.")]
    first, *others = ranked
    close = [row for row in others if row["rating"]["high"] >= first["rating"]["low"]]
    sentences = [
        Sentence(
            f"{text} By the votes, {first['model']} is first with "
            f"{with_interval(first['rating'], 0)}; the intervals of {len(close)} of the "
            f"{len(others)} others overlap with its own."
        )
    ]
    few = [row["model"] for row in models if row["rank"] is None]
    if few:
        sentences.append(Sentence(f"Too few battles for an interval and a rank: {_some(few)}."))
    return sentences


def _describe_left_out(leaderboard: Leaderboard) -> list[Sentence]:
    return [
        Sentence(f"{count:,} battles {reason} are left out.")
        for reason, count in leaderboard["left_out"].items()
        if count
    ]


def _describe_truth(leaderboard: Leaderboard, best: str) -> list[Sentence]:
    if leaderboard["truth"] is None:
        return []
    votes = _correlation(leaderboard["truth"]["votes"])
    sentences = [Sentence(f"Rank correlation of the ratings by votes with the true ones: {votes}.")]
    if best in leaderboard["judged"]["judges"]:
        judge = _correlation(leaderboard["judged"]["truth"][best])
        text = f"Rank correlation of the ratings by {best} with the true ones: {judge}."
        sentences.append(Sentence(text))
    return sentences


def _describe_judges(leaderboard: Leaderboard, best: str) -> list[Sentence]:
    judged = leaderboard["judged"]
    judge = judged["judges"].get(best)
    if judge is None:
        return []
    over, under = misrated(judge)
    where = (
        f"On the {judged['battles']:,} battles that no network was trained on, in which "
        f"{judged['models']} models have enough"
    )
    return [
        Sentence(
            f"{where}, the rank correlation of the ratings by {best} with those by the votes is "
            f"{_correlation(judge['rank_correlation'])}."
        ),
        Sentence(
            f"{best} significantly overrates {_some(over) if over else 'no model'}, and underrates "
            f"{_some(under) if under else 'none'}."
        ),
    ]


def _correlation(record: Mapping[str, Any]) -> str:
    """Return a correlation in words: corrected, with its interval, and as it was observed."""
    if record["observed"] is None:
        return "unknown, because there are too few models"
    observed = f"{number(record['observed'], 2)} without correction for chance"
    if record["corrected"] is None:
        return f"{UNKNOWN} ({observed})"
    if not _is_clear(record):
        return (
            f"anything in {interval(record['corrected'], 2)} ({observed}); so few battles do not "
            "show whether they agree"
        )
    return f"{with_interval(record['corrected'], 2)} ({observed})"


def _is_clear(record: Mapping[str, Any]) -> bool:
    """Return whether the battles show that the correlation is above, or below, 0."""
    return record["corrected"]["low"] > 0 or record["corrected"]["high"] < 0


def _correlation_cell(record: Mapping[str, Any]) -> Cell:
    corrected = record["corrected"]
    if corrected is None:
        return Cell(NONE)
    if not _is_clear(record):
        return Cell("unclear", interval(corrected, 2))
    return estimate_cell(corrected, 2)


def _row(row: Mapping[str, Any], differences: Mapping[str, Any], has_truth: bool) -> list[Cell]:
    difference = differences.get(row["model"])
    judged = Cell(NONE)
    if difference is not None:
        judged = Cell(signed(difference["value"], 0), signed_interval(difference, 0))
    return [
        Cell(row["model"]),
        Cell(NONE if row["rank"] is None else str(row["rank"])),
        Cell(f"{row['battles']:,}"),
        estimate_cell(row["rating"], 0),
        estimate_cell(row["style_controlled"], 0),
        *([Cell(number(row["true_rating"], 0))] if has_truth else []),
        *([judged] if differences else []),
    ]


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many others there are."""
    others = len(names) - MOST_NAMED
    return join([*names[:MOST_NAMED], *([f"{others} others"] if others > 0 else [])])
