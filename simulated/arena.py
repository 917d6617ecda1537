"""Simulate battles as raw rows in the Kaggle schema, with their true probabilities.

Guarantees
1. The same count, scale and seed give the same rows.
2. `oracle` is exactly the distribution from which the label was drawn.
3. Irregular rows are as frequent as in the real data (rates in `draws.py`), and all rows are read
   by the parser of the real data.
"""

import json
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from simulated.conversations import write_answer, write_prompt
from simulated.draws import Draws, draw_battles
from simulated.models import MODELS
from simulated.utility import (
    Answers,
    agreement_utility,
    preference_probabilities,
    surface_utility,
)

WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")
NAMES = tuple(f"model-{number:02d}" for number in range(MODELS))
# The true ratings of the models are computed from this many further battles, so that their noise is
# a tenth of that of the ratings from the default's battles.
FURTHER_BATTLES = 400_000
HALF_EMOJI = "\ud83d"


def simulate_rows(count: int, length_scale: float, seed: int) -> Iterator[dict[str, object]]:
    """Yield raw rows with the Kaggle columns, `oracle` and `oracle_agreement`.

    `oracle` is [P(A), P(B), P(tie)]. `oracle_agreement` is the part of the utility difference (A
    minus B) that depends on prompt and answers together; the rest of log(P(A) / P(B)) depends on
    the answers alone.

    Args:
        count: the number of rows.
        length_scale: multiplies the lengths of real battles.
        seed: decides all rows.
    """
    random = np.random.default_rng(seed)
    draws = draw_battles(random, count, length_scale)
    answers = _share_identical_answers(draws)
    agreement = agreement_utility(answers)
    oracle = preference_probabilities(surface_utility(answers) + agreement)
    label = (random.random(count)[:, None] > oracle.cumsum(axis=1)[:, :2]).sum(axis=1)
    for number in range(count):
        battle = max(number - int(draws.duplicate[number]), 0)
        yield {
            "id": str(number),
            "model_a": NAMES[draws.model[battle, 0]],
            "model_b": NAMES[draws.model[battle, 1]],
            **_write_texts(seed, draws, battle),
            **{winner: str(int(label[battle] == index)) for index, winner in enumerate(WINNERS)},
            "oracle": oracle[battle].tolist(),
            "oracle_agreement": float(agreement[battle, 0] - agreement[battle, 1]),
        }


def simulate_scores(
    count: int, length_scale: float, seed: int, further: int = FURTHER_BATTLES
) -> tuple[np.ndarray, np.ndarray]:
    """Let the models of `simulate_rows` meet in further battles, and return how these end.

    The first three arguments are those of `simulate_rows`, whose models are the same.

    Returns:
        The numbers in `NAMES` of both models, int64 [further, 2], and the expected score of A,
        float64 [further]: the true probability that it wins, and half of that of a tie.
    """
    traits = draw_battles(np.random.default_rng(seed), count, length_scale).traits
    random = np.random.default_rng([seed, further])
    draws = draw_battles(random, further, length_scale, traits)
    answers = _share_identical_answers(draws)
    oracle = preference_probabilities(surface_utility(answers) + agreement_utility(answers))
    return draws.model, oracle[:, 0] + oracle[:, 2] / 2


def _write_texts(seed: int, draws: Draws, battle: int) -> dict[str, str]:
    """Return prompt and responses as JSON lists. A repeated prompt has the seed of its source."""
    prompt = write_prompt(np.random.default_rng((seed, draws.source[battle])), draws, battle)
    random = np.random.default_rng((seed, battle, 1))
    responses = [write_answer(random, draws, battle, side, prompt.tasks) for side in (0, 1)]
    if draws.identical[battle]:
        responses[1] = responses[0]
    if draws.surrogate[battle]:
        responses = [_cut_emoji(turns) for turns in responses]
    texts = {"prompt": prompt.turns, "response_a": responses[0], "response_b": responses[1]}
    return {column: json.dumps(turns) for column, turns in texts.items()}


def _cut_emoji(turns: list[str | None]) -> list[str | None]:
    return [turn if turn is None else turn + HALF_EMOJI for turn in turns]


def _share_identical_answers(draws: Draws) -> Answers:
    """Return the answers; where the two are identical, side B has the values of side A."""
    shared = {}
    for field in fields(Answers):
        values = getattr(draws.answers, field.name)
        shared[field.name] = np.where(draws.identical[:, None], values[:, :1], values)
    return Answers(**shared)
