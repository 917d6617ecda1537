"""Rows in every schema, and what fetch makes of them."""

import json

from preference.battles.table import BATTLE_SCHEMA
from preference.sources.ingest import parse_battles
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource

PROMPT, GOOD, BAD = "What is it?", "It is so.", "I do not know."


def say(*texts, system=None):
    roles = ("user", "assistant")
    spoken = [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(texts)]
    return [*([{"role": "system", "content": system}] if system else []), *spoken]


def answer(text):
    return [{"role": "assistant", "content": text}]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def fetch(path):
    quarantined = []
    source = BattleSource("x", {"x": read_source_rows(path)})
    batches = parse_battles([source], BATTLE_SCHEMA, quarantined)
    return [battle for batch in batches for battle in batch.to_pylist()], quarantined


def read_one(tmp_path, row):
    (battle,), quarantined = fetch(write_lines(tmp_path / "a.jsonl", [row]))
    assert quarantined == []
    return battle


def preferred(battle):
    """Return prompt, preferred and rejected answer, whichever side they are on."""
    sides = [battle["response_a"], battle["response_b"]]
    return battle["prompt"], sides[battle["label"]], sides[1 - battle["label"]]


PAIRS = {
    "text with a prompt": {"prompt": PROMPT, "chosen": GOOD, "rejected": BAD},
    "messages with a prompt": {
        "prompt": say(PROMPT),
        "chosen": answer(GOOD),
        "rejected": answer(BAD),
    },
    "messages": {"chosen": say(PROMPT, GOOD), "rejected": say(PROMPT, BAD)},
    "messages and the prompt again": {
        "prompt": PROMPT,
        "chosen": say(PROMPT, GOOD),
        "rejected": say(PROMPT, BAD),
        "score_chosen": 9.0,
        "score_rejected": 1.0,
    },
    "messages of ShareGPT": {
        "chosen": [{"from": "human", "value": PROMPT}, {"from": "gpt", "value": GOOD}],
        "rejected": [{"from": "human", "value": PROMPT}, {"from": "gpt", "value": BAD}],
    },
    "a prompt as text and answers as messages": {
        "prompt": PROMPT,
        "chosen": answer(GOOD),
        "rejected": answer(BAD),
    },
    "a prompt as messages and answers as text": {
        "prompt": say(PROMPT),
        "chosen": GOOD,
        "rejected": BAD,
    },
    "transcripts": {
        "chosen": f"\n\nHuman: {PROMPT}\n\nAssistant: {GOOD}",
        "rejected": f"\n\nHuman: {PROMPT}\n\nAssistant: {BAD}",
    },
    "a transcript as prompt": {
        "prompt": f"\n\nHuman: {PROMPT}\n\nAssistant:",
        "chosen": f" {GOOD}",
        "rejected": f" {BAD}",
    },
}
PLAIN = {"prompt": PROMPT, "response_a": GOOD, "response_b": BAD}


def annotated(*labels, **values):
    return {
        "idx": 0,
        "cmp_key": "one-7b_two",
        "instruction": PROMPT,
        "input": "this",
        "response1": GOOD,
        "response2": BAD,
        **{f"annotator{number}": label for number, label in enumerate(labels, start=1)},
        **values,
    }
