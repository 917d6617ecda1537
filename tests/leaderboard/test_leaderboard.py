"""Leaderboards of battles between models whose ratings are known."""

import numpy as np
import pytest
from planted_battles import cut, judge_by, plant_battles
from scipy.special import expit
from scipy.stats import spearmanr

from preference.leaderboard.leaderboard import MEAN, POINTS, make_leaderboard
from preference.report.leaderboard_section import misrated
from preference.statistics.bradley_terry import fit_ratings, plain
from simulated import NAMES as SIMULATED
from simulated import simulate_scores
from simulated.draws import WORDINESS, draw_battles
from simulated.utility import CORRECT, FOLLOWED, LENGTH, REFUSAL, RELEVANT

NAMES = [f"m{number}" for number in range(8)]


@pytest.fixture(scope="module")
def leaderboard():
    battles, truth = plant_battles(NAMES, 3000, style=1.0)
    judges = {
        "knowing": judge_by(battles, truth),
        "wrong": judge_by(battles, -truth),
        "blind": np.full(3000, 0.5),
    }
    return make_leaderboard(battles, battles.ids[:1500], cut(judges, 1500), truth, 100, seed=3)


def test_style_control_finds_the_planted_ratings_and_the_planted_effect(leaderboard):
    rows = {row["model"]: row for row in leaderboard["models"]}
    truth = [rows[name]["true_rating"] for name in NAMES]
    assert truth[0] == pytest.approx(MEAN + POINTS * 0.8, abs=0.1)
    controlled = [rows[name]["style_controlled"] for name in NAMES]
    covered = [
        one["low"] <= true <= one["high"] for one, true in zip(controlled, truth, strict=True)
    ]
    assert sum(covered) >= len(NAMES) - 1
    style = leaderboard["style"]["length"]
    assert style["low"] < POINTS * 1.0 < style["high"]
    # Without it, the wordy model owes its length hundreds of points.
    assert rows["m0"]["rating"]["low"] > truth[0] + 100


def test_a_knowing_judge_agrees_and_a_wrong_one_is_told_apart(leaderboard):
    judges = leaderboard["judged"]["judges"]
    truth = leaderboard["judged"]["truth"]
    assert (
        truth["knowing"]["corrected"]["value"] > 0.99 > -0.99 > truth["wrong"]["corrected"]["value"]
    )
    assert judges["knowing"]["rank_correlation"]["corrected"]["low"] > 0.5
    assert judges["wrong"]["rank_correlation"]["corrected"]["high"] < -0.5
    assert judges["blind"]["rank_correlation"] == {"observed": None, "corrected": None}
    over, under = misrated(judges["wrong"])
    assert {"m6", "m7"} <= set(over) and {"m0", "m1"} <= set(under)
    # It does not know that people like length, and so underrates the wordy model alone.
    over, under = misrated(judges["knowing"])
    assert under == ["m0"]


def test_models_with_few_battles_are_listed_last_without_rank_and_interval():
    battles, truth = plant_battles(NAMES, 400)
    few = battles.pairs.copy()
    keep = (few != 7).all(axis=1) | (np.cumsum((few == 7).any(axis=1)) <= 20)
    fields = {
        name: getattr(battles, name)[keep] for name in ("ids", "groups", "pairs", "scores", "style")
    }
    battles = type(battles)(models=NAMES, left_out={}, **fields)
    found = make_leaderboard(battles, battles.ids[:50], {}, truth, 50, seed=1)
    *ranked, last = found["models"]
    assert last["model"] == "m7" and last["battles"] == 20 and last["rank"] is None
    assert last["rating"]["low"] is None and last["style_controlled"]["high"] is None
    assert [row["rank"] for row in ranked] == list(range(1, 8))
    assert found["judged"]["models"] == 0


def test_battles_that_no_judge_has_predicted_give_no_judges():
    battles, _ = plant_battles(NAMES, 200)
    found = make_leaderboard(battles, np.array([-1]), {"exp1": np.ones(1)}, None, 20, seed=1)
    assert found["judged"]["judges"] == {} and found["truth"] is None


def mean_utility(traits):
    """The parts of an answer's expected utility that differ between the simulated models."""
    refused = expit(-3.5 - 0.3 * traits.ability)
    able = expit(0.4 + 0.6 * traits.ability)
    parts = RELEVANT * expit(1.5 + 0.5 * traits.ability) + (5 / 6 * CORRECT + 0.6 * FOLLOWED) * able
    return (1 - refused) * (parts + LENGTH * traits.wordiness) + REFUSAL * refused


def test_the_simulated_models_are_ranked_by_what_the_simulation_does():
    """The truth against a closed form, and the votes of the default's 8,000 battles against it."""
    traits = draw_battles(np.random.default_rng(2024), 8000, 0.1).traits
    assert traits.wordiness.std() == pytest.approx(WORDINESS, rel=0.3)
    pairs, scores = simulate_scores(8000, 0.1, 2024, further=100_000)
    truth = fit_ratings(plain(pairs, len(SIMULATED)), scores, np.ones(len(scores)))
    assert spearmanr(truth, mean_utility(traits)).statistic > 0.95
    random = np.random.default_rng(1)
    pairs, scores = simulate_scores(8000, 0.1, 2024, further=8000)
    battles, _ = plant_battles(SIMULATED, 8000)
    fields = {"pairs": pairs, "scores": (random.random(8000) < scores).astype(float)}
    battles = type(battles)(**{**vars(battles), **fields})
    judges = {"oracle": scores[:2000]}
    found = make_leaderboard(battles, battles.ids[:2000], judges, truth, 60, seed=1)
    assert found["truth"]["votes"]["observed"] > 0.75
    assert found["truth"]["votes"]["corrected"]["low"] > 0.75
    oracle = found["judged"]["truth"]["oracle"]
    assert oracle["observed"] > found["judged"]["truth"]["votes"]["observed"]
    assert oracle["corrected"]["low"] > 0.6
    covered = [
        row["rating"]["low"] <= row["true_rating"] <= row["rating"]["high"]
        for row in found["models"]
    ]
    assert np.mean(covered) > 0.85
