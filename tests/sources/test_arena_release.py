"""Rows of the Arena's own releases become the battles that one reads in them."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.battles.soft_labels import with_soft_labels
from preference.battles.table import BATTLE_SCHEMA
from preference.sources.ids import number_extra_battle, number_text
from preference.sources.ingest import parse_battles
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import NotABattle, parse_battle
from preference.sources.schemas.arena_release import convert
from preference.sources.schemas.schema import Reading
from preference.sources.source import BattleSource


def convert_row(row):
    return convert(row, Reading(labelled=True))


def conversation(*texts):
    roles = ("user", "assistant")
    return [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(texts)]


def in_parts(messages):
    """Write messages as the 140k release does."""
    empty = {"image": None, "mimeType": None}
    return [
        {**message, "content": [{"type": "text", "text": message["content"], **empty}]}
        for message in messages
    ]


OF_33K = {
    "question_id": "58210e39b3fd4441a2bd4a518bb44c2d",
    "model_a": "chatglm-6b",
    "model_b": "koala-13b",
    "winner": "model_b",
    "judge": "arena_user_973",
    "conversation_a": conversation("What is it?", "It is so.", "Why?", "Because."),
    "conversation_b": conversation("What is it?", "It is not.", "Why?", "I do not know."),
    "turn": 2,
}
OF_140K = {
    **{name: value for name, value in OF_33K.items() if name != "question_id"},
    "id": "c4b9710c-8d64-4bee-a0b0-94637ae4cc65",
    "conversation_a": in_parts(OF_33K["conversation_a"]),
    "conversation_b": in_parts(OF_33K["conversation_b"]),
    "evaluation_order": 1,
}


@pytest.mark.parametrize("row", [OF_33K, OF_140K])
def test_a_row_is_the_battle_that_one_reads_in_it(row):
    battle = parse_battle(convert_row(row))
    assert 0 <= battle.pop("id") < 2**63
    assert battle == {
        "source_id": row.get("id") or row["question_id"],
        "prompt": ["What is it?", "Why?"],
        "response_a": ["It is so.", "Because."],
        "response_b": ["It is not.", "I do not know."],
        "label": 1,
        "shares": [0, 1, 0],
        "weight": 1,
        "model_a": "chatglm-6b",
        "model_b": "koala-13b",
        "language": None,
        "subset": None,
    }


@pytest.mark.parametrize(
    ("winner", "label"),
    [("model_a", 0), ("model_b", 1), ("tie", 2), ("tie (bothbad)", 2), ("both_bad", 2)],
)
def test_every_winner_is_known(winner, label):
    assert parse_battle(convert_row({**OF_33K, "winner": winner}))["label"] == label


MANY_PARTS = [{"type": "text", "text": "It"}, {"type": "text", "text": "is."}]
IMAGE = [{"type": "text", "text": "It is so."}, {"type": "image", "image": "a.png"}]


def with_answer(content):
    messages = [OF_33K["conversation_a"][0], {"role": "assistant", "content": content}]
    return {"conversation_a": messages, "conversation_b": conversation("What is it?", "No.")}


def with_tool_call():
    answer = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}
    return {"conversation_a": [OF_33K["conversation_a"][0], answer]}


@pytest.mark.parametrize("turn", [1, 1.0, "1", "1.0"])
def test_a_vote_on_the_first_turn_is_about_it_alone(turn):
    battle = parse_battle(convert_row(OF_33K | {"turn": turn}))
    assert (battle["prompt"], battle["response_b"]) == (["What is it?"], ["It is not."])


@pytest.mark.parametrize(("content", "text"), [(None, ""), (MANY_PARTS, "It\nis."), ([], "")])
def test_content_without_text_or_in_parts(content, text):
    assert parse_battle(convert_row(OF_33K | with_answer(content)))["response_a"] == [text]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"conversation_a": [{"role": "tool", "content": ""}]}, "conversation_a has a role"),
        ({"conversation_a": [{"role": "user"}]}, "conversation_a has a message without content"),
        ({"winner": "model_c"}, "winner is not a, b, tie, model_a, model_b or both_bad"),
        ({"winner": None}, "winner is missing"),
        ({"winner": ""}, "winner is missing"),
        *[({"turn": turn}, "turn is not a number from 1") for turn in ("first", 0, -1, -1.0, 1.5)],
        ({"question_id": None}, "id is missing"),
        ({"conversation_a": None}, "conversation_a is missing"),
        ({"conversation_b": "[{'role': 'user'}]"}, "conversation_b is not a JSON list of messages"),
        ({"conversation_a": ["text"]}, "conversation_a is not a JSON list of messages"),
        ({"conversation_a": conversation("a", "b", "c")}, "conversation_a is not user and"),
        ({"conversation_a": conversation("a", "b")[::-1]}, "conversation_a is not user and"),
        ({"conversation_b": conversation("Who?", "It.")}, "conversations with different prompts"),
        ({"conversation_a": conversation("What is it?", "It.")}, "conversations with different"),
        ({"conversation_a": [], "conversation_b": []}, "conversation_a has no message"),
        (with_answer(IMAGE), "conversation_a holds more than text"),
        (with_answer(["text"]), "conversation_a holds more than text"),
        (with_answer(7), "conversation_a holds more than text"),
        (with_answer([{"type": "text"}]), "conversation_a holds more than text"),
        (with_tool_call(), "conversation_a holds more than text"),
    ],
)
def test_a_row_that_is_no_battle_has_a_reason(change, reason):
    with pytest.raises(NotABattle, match=f"^{reason}"):
        parse_battle(convert_row(OF_33K | change))


@pytest.mark.parametrize("name", ["winner", "conversation_a", "conversation_b"])
def test_a_missing_column_is_named(name):
    row = {key: value for key, value in OF_33K.items() if key != name}
    with pytest.raises(NotABattle, match=f"^{name} is missing$"):
        parse_battle(convert_row(row))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(OF_33K)), json_values | json_values.map(json.dumps)))
def test_any_row_is_a_battle_or_has_a_reason(changes):
    try:
        battle = parse_battle(convert_row(OF_33K | changes))
    except NotABattle as problem:
        assert len(str(problem)) < 100
        return
    pa.RecordBatch.from_pylist([battle | {"source": "x"}], BATTLE_SCHEMA).validate(full=True)


def write_formats(folder, rows):
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (folder / "a.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        lists = ("conversation_a", "conversation_b")
        writer.writerows(row | {name: json.dumps(row[name]) for name in lists} for row in rows)


@pytest.mark.parametrize("row", [OF_33K, OF_140K])
def test_every_format_gives_the_same_battles(tmp_path, row):
    id_column = "id" if "id" in row else "question_id"
    write_formats(tmp_path, [row | {id_column: f"battle {number}"} for number in range(3)])
    expected = [parse_battle(convert_row(row | {id_column: f"battle {n}"})) for n in range(3)]
    for name in ("a.parquet", "a.jsonl", "a.csv"):
        rows = read_source_rows(tmp_path / name)
        quarantined = []
        source, schema = BattleSource("x", {"x": rows}), with_soft_labels(BATTLE_SCHEMA)
        batches = parse_battles([source], schema, quarantined)
        battles = [battle for batch in batches for battle in batch.to_pylist()]
        assert battles == [battle | {"source": "x"} for battle in expected], name
        assert quarantined == []


def test_ids_are_told_apart_by_source_and_sign():
    numbers = range(-500, 500)
    extra = {number_extra_battle(source, n) for source in ("a", "b") for n in numbers}
    assert len(extra) == 2 * len(numbers)
    assert all(-(2**63) <= number < 0 for number in extra)
    texts = {number_text(f"battle {number}") for number in numbers}
    assert len(texts) == len(numbers)
    assert all(0 <= number < 2**63 for number in texts)


def test_ids_stay_as_they_are():
    """From one version of this code to the next: they are what `b2sum -l 64` says, less a bit."""
    text = "58210e39b3fd4441a2bd4a518bb44c2d"
    assert number_text(text) == 0xA144EE6B43E59706 // 2
    assert number_extra_battle("data/extra/a.parquet", 7) == -1 - 0xAF88BDE5CCB8FCE4 // 2
