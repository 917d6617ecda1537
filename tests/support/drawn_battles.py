"""Battles whose answers are neutral words, and differ in what decides the battle alone."""

import numpy as np
import pyarrow as pa

from preference.battles.table import BATTLE_SCHEMA

NEUTRAL = ["the", "of", "and", "to", "in", "is", "that", "it", "for", "was", "on", "as"]


def make_battles(answers_a, answers_b, labels):
    count = len(labels)
    columns = {
        "id": np.arange(count),
        "prompt": [["a question", "and another"]] * count,
        "response_a": [[answer, ""] for answer in answers_a],
        "response_b": [[answer, ""] for answer in answers_b],
        "label": pa.array(labels, pa.int8()),
        "model_a": [None] * count,
        "model_b": [None] * count,
        "source": ["drawn"] * count,
        **{name: [None] * count for name in ("source_id", "language", "subset")},
    }
    return pa.table(columns, schema=BATTLE_SCHEMA)


def draw_battles(count, seed, planted="excellent", longer_wins=False):
    """Answers of neutral words; the one that wins is longer, or has the planted word."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    answers = ([], [])
    for label in labels:
        for side in (0, 1):
            words = list(random.choice(NEUTRAL, 30 if longer_wins and side == label else 12))
            words += [] if longer_wins else [planted if side == label else "ordinary"]
            answers[side].append(" ".join(words))
    return make_battles(*answers, labels)


def swap(battles):
    names = ["id", "prompt", "response_b", "response_a", "label", "model_b", "model_a"]
    names += BATTLE_SCHEMA.names[len(names) :]
    return battles.select(names).rename_columns(BATTLE_SCHEMA.names)
