"""Rows in every schema become the battles that one reads in them."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from repository import REPOSITORY
from schema_rows import (
    BAD,
    GOOD,
    PAIRS,
    PLAIN,
    PROMPT,
    annotated,
    fetch,
    read_one,
    say,
    write_lines,
)

from preference.runtime.errors import BadInput
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import parse_conversations


def judgment(turn, judge="expert_0"):
    return {
        "question_id": 81,
        "model_a": "m",
        "model_b": "n",
        "winner": "model_b",
        "judge": judge,
        "conversation_a": say("one?", "a 1", "two?", "a 2"),
        "conversation_b": say("one?", "b 1", "two?", "b 2"),
        "turn": turn,
    }


def test_a_judgment_of_mt_bench_is_on_its_first_turns(tmp_path):
    rows = [judgment(1), judgment(2), judgment(1, "expert_1")]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert quarantined == []
    assert [battle["prompt"] for battle in battles] == [["one?"], ["one?", "two?"], ["one?"]]
    assert [battle["response_b"] for battle in battles] == [["b 1"], ["b 1", "b 2"], ["b 1"]]
    assert [battle["source_id"] for battle in battles] == ["81"] * 3
    assert len({battle["id"] for battle in battles}) == 3


@pytest.mark.parametrize("content", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_message_is_part_of_the_prompt(tmp_path, content):
    row = {
        "id": "a b",
        "winner": "tie",
        "conversation_a": say("q", "a", "r", "c", system=content),
        "conversation_b": say("q", "b", "r", "d", system=content),
    }
    battle = read_one(tmp_path, row)
    assert battle["prompt"] == ["Be brief.\n\nq", "r"]
    assert battle["response_a"] == ["a", "c"]


@pytest.mark.parametrize(
    ("winner", "label"),
    [
        *[(name, 0) for name in ("model_a", "a", "A", "response_a", "Model A", "answer-a")],
        *[(name, 1) for name in ("model_b", "b", "B")],
        *[(name, 2) for name in ("tie", "Tie", "draw", "both_bad", "tie (bothbad)", "neither")],
    ],
)
def test_a_named_winner(tmp_path, winner, label):
    row = {**PLAIN, "id": "56be1a9b", "winner": winner, "language": "French", "model_a": "m"}
    battle = read_one(tmp_path, row)
    assert battle["label"] == label
    assert battle["prompt"] == [PROMPT]
    assert battle["source_id"] == "56be1a9b"
    assert battle["language"] == "French"
    assert (battle["model_a"], battle["model_b"]) == ("m", None)


@pytest.mark.parametrize(
    ("labels", "label"),
    [((1, 1, 2), 0), ((2, 0, 2), 1), ((0, 0, 0), 2), ((2,), 1), ((1.0, "1.0", "2"), 0)],
)
def test_most_annotators_of_pandalm_decide(tmp_path, labels, label):
    battle = read_one(tmp_path, annotated(*labels))
    assert battle["label"] == label
    assert (battle["id"], battle["source_id"]) == (0, "0")
    assert battle["prompt"] == [f"{PROMPT}\n\nthis"]
    assert (battle["response_a"], battle["response_b"]) == ([GOOD], [BAD])
    assert (battle["model_a"], battle["model_b"]) == ("one-7b", "two")


def test_rows_of_pandalm_that_are_no_battles(tmp_path):
    rows = [
        annotated(1, 1, input="", response2=None),
        annotated(0, 1, 2, idx=1),
        annotated(3, 3, idx=2),
        annotated(1, response1=True, idx=3),
    ]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert [battle["prompt"] for battle in battles] == [[PROMPT]]
    assert [battle["response_b"] for battle in battles] == [[""]]
    assert [(row.id, row.reason) for row in quarantined] == [
        ("1", "no label has the majority of annotators"),
        ("2", "a label of an annotator is not 0, 1 or 2"),
        ("3", "response1 is not text"),
    ]


KAGGLE = {"id": 1, "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}


def test_one_turn_as_plain_text_where_most_of_the_column_is(tmp_path):
    listed = json.dumps([PLAIN["response_a"]])
    rows = [KAGGLE | PLAIN | {"id": number} for number in range(3)]
    # An answer may be a list in JSON itself.
    rows[1]["response_a"] = listed
    rows[2]["response_b"] = None
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    battles, quarantined = fetch(tmp_path / "a.parquet")
    assert [battle["response_a"] for battle in battles] == [[GOOD], [listed], [GOOD]]
    assert [battle["response_b"] for battle in battles] == [[BAD], [BAD], [""]]
    assert quarantined == []


def test_plain_text_in_a_column_of_lists_cannot_be_read(tmp_path):
    lists = {name: json.dumps([text]) for name, text in PLAIN.items()}
    rows = [KAGGLE | lists | {"id": number} for number in range(3)]
    rows[0]["response_a"] = GOOD
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert [battle["response_a"] for battle in battles] == [[GOOD]] * 2
    assert [row.reason for row in quarantined] == ["response_a is not a JSON list of strings"]


def test_two_long_damaged_rows_do_not_make_lists_into_text(tmp_path):
    lists = {name: json.dumps([text]) for name, text in PLAIN.items()}
    damaged = dict.fromkeys(PLAIN, "[" * 200_000)
    rows = [KAGGLE | {"id": number} | damaged for number in range(2)] + [KAGGLE | lists | {"id": 2}]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert [battle["response_a"] for battle in battles] == [[GOOD]]
    assert [row.line for row in quarantined] == [1, 2]


def test_lists_after_many_rows_of_plain_text_are_not_taken_for_text(tmp_path):
    rows = [KAGGLE | PLAIN | {"id": number} for number in range(150)]
    rows[120]["response_b"] = '["one", "two"]'
    rows[140] |= {name: json.dumps([text]) for name, text in PLAIN.items()}
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert battles[120]["response_b"] == ['["one", "two"]']
    assert [(row.line, row.reason) for row in quarantined] == [
        (141, "lists of turns in a file of plain text")
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("['a'\n 'b']", "[\"it's\" 'b']", "['a', 'b']", "[{'role': 'user', 'content': 'q'}]"),
        *("['a', None]", "[nan, 'b']"),
    ],
)
def test_lists_as_numpy_and_python_print_them_are_refused(tmp_path, text):
    rows = [KAGGLE | PLAIN | {"prompt": text, "id": number} for number in range(3)]
    with pytest.raises(BadInput, match=r"a\.jsonl: column prompt holds lists as Python or NumPy"):
        fetch(write_lines(tmp_path / "a.jsonl", rows))


def test_printed_lists_are_refused_although_python_prints_some_as_json_does(tmp_path):
    rows = [KAGGLE | PLAIN | {"prompt": f"['Hi {number}']", "id": number} for number in range(9)]
    rows[4]["prompt"] = str(["What's up"])
    with pytest.raises(BadInput, match="column prompt holds lists as Python or NumPy"):
        fetch(write_lines(tmp_path / "a.jsonl", rows))


def test_printed_messages_of_a_release_are_refused(tmp_path):
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    row = {"winner": "tie", **dict.fromkeys(["conversation_a", "conversation_b"], str(messages))}
    with pytest.raises(BadInput, match="column conversation_a holds lists as Python or NumPy"):
        fetch(write_lines(tmp_path / "a.jsonl", [row]))


def test_calls_of_functions_are_the_text_of_an_answer(tmp_path):
    call = json.dumps([{"name": "add", "arguments": {"a": 1}}])
    row = PLAIN | {"response_a": call, "response_b": "2", "winner": "a"}
    battles, _ = fetch(write_lines(tmp_path / "a.jsonl", [row]))
    assert battles[0]["response_a"] == [call]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["prompt", "chosen"], "lacks columns: rejected. .* chosen and rejected answers"),
        (["prompt", "response_a"], "lacks columns: response_b, winner. .*two answers and a winner"),
        (
            ["id", "prompt", "response_a", "response_b", "winner_tie"],
            "lacks columns: winner_model_a, winner_model_b. .*Kaggle",
        ),
        (["conversation_a", "winner"], "lacks columns: conversation_b. .*Arena"),
        (["instruction", "response1"], "lacks columns: response2, annotator1. .*PandaLM"),
        (
            ["prompt", "answer_a", "answer_b"],
            "lacks columns: response_a, response_b, winner. .*two answers and a winner"
            ".*Its columns are: prompt,answer_a,answer_b",
        ),
        (["a", "b^c"], "lacks columns: id, prompt, .*Its first line reads: a,b^c"),
    ],
)
@pytest.mark.parametrize("container", ["csv", "jsonl"])
def test_the_nearest_schema_and_all_that_it_lacks_are_named(tmp_path, container, columns, message):
    path = tmp_path / f"a.{container}"
    if container == "csv":
        path.write_text(",".join(columns) + "\n" + ",".join("1" for _ in columns) + "\n")
    else:
        write_lines(path, [dict.fromkeys(columns, "1")] * 2)
    with pytest.raises(BadInput, match=message.replace("^", r"\^")):
        fetch(path)


def test_objects_that_leave_out_what_is_null_are_judged_together(tmp_path):
    rows = [
        {"conversation_a": say("q", "a"), "conversation_b": say("q", "b")},
        {"winner": "tie", "conversation_a": say("q", "a")},
    ]
    _, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    reasons = ["winner is missing", "conversation_b is missing"]
    assert [row.reason for row in quarantined] == reasons


def test_each_row_of_the_documentation_is_a_battle(tmp_path):
    page = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    rows = block.splitlines()
    assert len(rows) == 7
    for number, row in enumerate(rows):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(row)
        (battle,), quarantined = fetch(path)
        assert quarantined == []
        assert {battle["response_a"][0], battle["response_b"][0]} == {"Hello", "Hi!"}


def test_without_labels_a_is_the_answer_that_is_named_first(tmp_path):
    for number, row in enumerate([*PAIRS.values(), PLAIN, annotated(2)]):
        path = write_lines(tmp_path / f"{number}.jsonl", [row])
        ((_, read),) = read_source_rows(path, labelled=False)
        fields = parse_conversations(read)
        assert (fields["response_a"], fields["response_b"]) == ([GOOD], [BAD])
        assert not any(name.startswith("winner") for name in read)
