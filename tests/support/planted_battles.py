"""Battles between models whose ratings are known, without texts."""

from copy import deepcopy
from functools import cache

import numpy as np
from scipy.special import expit

from preference.leaderboard.battles import RatedBattles
from preference.leaderboard.leaderboard import make_leaderboard

SPREAD = 0.8


def plant_battles(names, count, seed=0, style=0.0):
    """Return battles, and the true ratings in logits; longer answers win by `style`."""
    random = np.random.default_rng(seed)
    truth = SPREAD * np.linspace(1, -1, len(names))
    first = random.integers(len(names), size=count)
    pairs = np.stack([first, (first + random.integers(1, len(names), count)) % len(names)], 1)
    styles = np.zeros((count, 4))
    # The first model is wordy, so that it owes wins to its length.
    styles[:, 0] = random.normal(size=count) + 2.0 * ((pairs[:, 0] == 0) * 1.0 - (pairs[:, 1] == 0))
    odds = truth[pairs[:, 0]] - truth[pairs[:, 1]] + style * styles[:, 0]
    battles = RatedBattles(
        models=list(names),
        ids=np.arange(count),
        groups=np.arange(count),
        pairs=pairs,
        scores=(random.random(count) < expit(odds)).astype(float),
        style=styles,
        left_out={"without the names of both models": 0},
    )
    return battles, truth


def judge_by(battles, ratings):
    """Return the expected scores of A by a judge that knows these ratings."""
    return expit(ratings[battles.pairs[:, 0]] - ratings[battles.pairs[:, 1]])


def example_leaderboard(judges, simulated=True, names=("ada", "bob", "cy", "dee", "eve")):
    """A leaderboard as the stage writes one, of a few battles."""
    return deepcopy(_make_example(tuple(judges), simulated, names))


@cache
def _make_example(judges, simulated, names):
    battles, truth = plant_battles(names, 600)
    scores = {name: judge_by(battles, truth / (2 + number)) for number, name in enumerate(judges)}
    known = truth if simulated else None
    return make_leaderboard(battles, battles.ids[:300], cut(scores, 300), known, 40, seed=1)


def cut(scores, count):
    return {name: values[:count] for name, values in scores.items()}
