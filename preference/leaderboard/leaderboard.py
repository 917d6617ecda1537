"""Rate the models by the votes, and by judges in the place of the votes.

Ratings are on the Arena's scale: 400 points are odds of ten to one, and the mean is 1000. A model
whose battles are in too few groups (`cluster_bootstrap`) has no interval, no rank and no part in
correlations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.stats import norm

from preference.leaderboard.agreement import compare_ratings
from preference.leaderboard.battles import RatedBattles
from preference.leaderboard.style import STYLE
from preference.statistics.bradley_terry import Comparisons, plain, resample_ratings
from preference.statistics.cluster_bootstrap import Estimate, GroupBootstrap
from preference.statistics.paired_tests import Difference, correct_by_holm

POINTS, MEAN = 400 / np.log(10), 1000.0
DIGITS = 1
NO_NAMES = (
    "There is no leaderboard: the battles do not name two models that met (columns model_a and "
    "model_b)."
)

Record = dict[str, Any]
Scores = Mapping[str, np.ndarray]


def make_leaderboard(
    battles: RatedBattles,
    judged: np.ndarray,
    judges: Scores,
    truth: np.ndarray | None,
    resamples: int,
    seed: int,
) -> Record:
    """Return the leaderboards, as they are written as JSON.

    Args:
        battles: of all splits.
        judged: ids of the battles that no judge was trained on, int64 [m].
        judges: the expected scores of A in these battles by each judge, float64 [m].
        truth: the true ratings in logits, where they are known.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    if len(battles.models) < 2:
        return {"reason": NO_NAMES, "left_out": battles.left_out}
    return {
        "reason": None,
        "left_out": battles.left_out,
        **_rate_votes(battles, truth, resamples, seed),
        "judged": _rate_judges(battles, judged, judges, truth, resamples, seed),
    }


def _rate_votes(
    battles: RatedBattles, truth: np.ndarray | None, resamples: int, seed: int
) -> Record:
    bootstrap = GroupBootstrap(battles.groups, resamples, seed, weights=battles.weights)
    models = len(battles.models)
    ratings = resample_ratings(plain(battles.pairs, models), battles.scores, bootstrap)
    styled = Comparisons(battles.pairs, models, battles.style)
    controlled = resample_ratings(styled, battles.scores, bootstrap)
    enough = _enough(battles.pairs, models, bootstrap)
    rows = [
        {
            "model": name,
            "battles": int(battles.counts[number]),
            "rating": _estimate(ratings[:, number], MEAN, enough[number]),
            "style_controlled": _estimate(controlled[:, number], MEAN, enough[number]),
            "true_rating": None if truth is None else _points(truth[number], MEAN),
        }
        for number, name in enumerate(battles.models)
    ]
    return {
        "battles": len(battles.ids),
        "groups": len(np.unique(battles.groups)),
        "models": _rank(rows),
        "style": {
            name: _estimate(controlled[:, models + number], 0.0, bootstrap.has_enough_groups())
            for number, name in enumerate(STYLE)
        },
        "truth": _compare_with_truth(
            {"votes": ratings, "votes, style controlled": controlled[:, :models]}, truth, enough
        ),
    }


def _rank(rows: Sequence[Record]) -> list[Record]:
    """Sort by rating, and number the models that have an interval; the others come last."""
    ordered = sorted(
        rows, key=lambda row: (row["rating"]["low"] is None, -row["rating"]["value"], row["model"])
    )
    return [
        {"rank": None if row["rating"]["low"] is None else number, **row}
        for number, row in enumerate(ordered, start=1)
    ]


def _rate_judges(
    battles: RatedBattles,
    judged: np.ndarray,
    judges: Scores,
    truth: np.ndarray | None,
    resamples: int,
    seed: int,
) -> Record:
    rows, known = battles.positions(judged), np.isin(judged, battles.ids)
    if not len(rows):
        return {"battles": 0, "groups": 0, "models": 0, "votes": {}, "truth": None, "judges": {}}
    pairs, models = battles.pairs[rows], len(battles.models)
    weights = None if battles.weights is None else battles.weights[rows]
    bootstrap = GroupBootstrap(battles.groups[rows], resamples, seed, weights=weights)
    enough = _enough(pairs, models, bootstrap)
    comparisons = plain(pairs, models)
    votes = resample_ratings(comparisons, battles.scores[rows], bootstrap)
    ratings = {
        name: resample_ratings(comparisons, scores[known], bootstrap)
        for name, scores in judges.items()
    }
    names = np.array(battles.models)
    return {
        "battles": len(rows),
        "groups": len(np.unique(bootstrap.groups)),
        "models": int(enough.sum()),
        "votes": {
            name: _estimate(votes[:, number], MEAN, enough[number])
            for number, name in enumerate(battles.models)
        },
        "truth": _compare_with_truth({"votes": votes, **ratings}, truth, enough),
        "judges": {
            name: {
                "rank_correlation": asdict(compare_ratings(votes[:, enough], own[:, enough])),
                "differences": _differences(names[enough], (own - votes)[:, enough]),
            }
            for name, own in ratings.items()
        },
    }


def _enough(pairs: np.ndarray, models: int, bootstrap: GroupBootstrap) -> np.ndarray:
    """Return which models have battles in enough groups for an interval: bool [models]."""
    return np.array(
        [bootstrap.has_enough_groups((pairs == number).any(axis=1)) for number in range(models)]
    )


def _compare_with_truth(
    leaderboards: Mapping[str, np.ndarray], truth: np.ndarray | None, enough: np.ndarray
) -> Record | None:
    if truth is None:
        return None
    return {
        name: asdict(compare_ratings(ratings[:, enough], np.tile(truth[enough], (len(ratings), 1))))
        for name, ratings in leaderboards.items()
    }


def _differences(names: np.ndarray, values: np.ndarray) -> dict[str, Record]:
    """Return how far a judge's ratings are from those by the votes, with Holm-adjusted p-values.

    Args:
        names: of the models.
        values: the differences in logits, [1 + resamples, models].
    """
    differences = {}
    for name, column in zip(names.tolist(), values.T, strict=True):
        estimate = _estimate(column, 0.0, has_interval=True)
        error = float(column[1:].std())
        differences[name] = Difference(
            value=estimate["value"],
            low=estimate["low"],
            high=estimate["high"],
            standard_error=round(POINTS * error, DIGITS),
            p=float(2 * norm.sf(abs(column[0]) / error)) if error else None,
        )
    kept = ("value", "low", "high", "p_holm")
    return {
        name: {field: getattr(one, field) for field in kept}
        for name, one in correct_by_holm(differences).items()
    }


def _estimate(values: np.ndarray, centre: float, has_interval: bool) -> Record:
    """Return the rating in points, from logits [1 + resamples], with its percentile interval."""
    low, high = np.quantile(values[1:], [0.025, 0.975]) if has_interval else (None, None)
    return asdict(
        Estimate(
            _points(values[0], centre),
            None if low is None else _points(low, centre),
            None if high is None else _points(high, centre),
        )
    )


def _points(logits: float, centre: float) -> float:
    return round(float(centre + POINTS * logits), DIGITS)
