"""Preferred and rejected answers in every form become battles with A on either side."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pair_messages import ANSWERS, DIALOGUES, ask, message_of
from schema_rows import BAD, GOOD, PAIRS, PROMPT, fetch, preferred, read_one, write_lines

TRANSCRIPT = "\n\nHuman: Hello.\n\nAssistant: Hi!\n\nHuman: What is it?\n\nAssistant:"


@pytest.mark.parametrize("form", PAIRS)
@pytest.mark.parametrize("container", ["jsonl", "csv", "parquet"])
def test_chosen_and_rejected_in_every_form(tmp_path, form, container):
    path = tmp_path / f"a.{container}"
    row = PAIRS[form]
    if container == "jsonl":
        write_lines(path, [row])
    elif container == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    else:
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(row))
            writer.writeheader()
            texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()}
            writer.writerow(texts)
    (battle,), quarantined = fetch(path)
    assert preferred(battle) == ([PROMPT], [GOOD], [BAD])
    assert battle["source_id"] is None
    assert quarantined == []


def test_answers_with_a_common_beginning_have_it_as_their_prompt(tmp_path):
    row = {"chosen": "The sky is blue.", "rejected": "The sky is black, I think."}
    assert preferred(read_one(tmp_path, row)) == (
        ["The sky is "],
        ["blue."],
        ["black, I think."],
    )


def test_a_transcript_of_several_turns(tmp_path):
    row = {"chosen": f"{TRANSCRIPT} {GOOD}", "rejected": f"{TRANSCRIPT} {BAD}\n\nAssistant: No."}
    assert preferred(read_one(tmp_path, row)) == (
        ["Hello.", PROMPT],
        ["Hi!", GOOD],
        ["Hi!", f"{BAD}\n\nNo."],
    )


STRIPPED = TRANSCRIPT.strip()


@pytest.mark.parametrize("begin", [STRIPPED, f"\n{STRIPPED}", TRANSCRIPT.replace("\n", "\r\n")])
@pytest.mark.parametrize("has_prompt", [False, True])
def test_a_transcript_that_was_stripped_or_has_other_line_ends(tmp_path, begin, has_prompt):
    row = {"chosen": f"{begin} {GOOD}", "rejected": f"{begin} {BAD}"}
    if has_prompt:
        row = {"prompt": begin, "chosen": f" {GOOD}", "rejected": f" {BAD}"}
    expected = (["Hello.", PROMPT], ["Hi!", GOOD], ["Hi!", BAD])
    assert preferred(read_one(tmp_path, row)) == expected


def test_a_null_beside_text_is_an_empty_answer(tmp_path):
    row = {"prompt": PROMPT, "chosen": GOOD, "rejected": None}
    assert preferred(read_one(tmp_path, row)) == ([PROMPT], [GOOD], [""])


def test_one_line_of_messages_is_no_table(tmp_path):
    row = {"prompt": message_of("user", PROMPT)}
    row |= {name: message_of("assistant", text) for name, text in ANSWERS.items()}
    assert preferred(read_one(tmp_path, row)) == ([PROMPT], [GOOD], [BAD])


@pytest.mark.parametrize("role", ["from", "role"])
@pytest.mark.parametrize("container", ["jsonl", "csv"])
def test_an_answer_may_be_one_message_alone(tmp_path, role, container):
    content = {"from": "value", "role": "content"}[role]
    messages = {name: {role: "assistant", content: text} for name, text in ANSWERS.items()}
    if container == "csv":
        texts = {name: json.dumps(message) for name, message in messages.items()}
        pd.DataFrame([{"prompt": PROMPT} | texts]).to_csv(tmp_path / "a.csv", index=False)
    else:
        write_lines(tmp_path / "a.jsonl", [{"prompt": PROMPT} | messages])
    (battle,), _ = fetch(tmp_path / f"a.{container}")
    assert preferred(battle) == ([PROMPT], [GOOD], [BAD])


def test_answers_of_digits_are_text_although_they_became_numbers(tmp_path):
    rows = [{"prompt": f"{n} + 1?", "chosen": n + 1, "rejected": n} for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    battles, quarantined = fetch(tmp_path / "a.parquet")
    assert quarantined == []
    assert preferred(battles[2]) == (["2 + 1?"], ["3"], ["2"])


@pytest.mark.parametrize(
    "row",
    [
        # Dialogues that somebody asked for, and prompts that are no transcripts.
        {"prompt": "Write a short dialogue.", **DIALOGUES},
        {"prompt": "Human: What is 2+2?\nAssistant:", "chosen": GOOD, "rejected": BAD},
        {"prompt": "Human: a chat\n\nHuman: hi\n\nSummary:", "chosen": GOOD, "rejected": BAD},
        # Calls of functions are objects, but no messages.
        {"prompt": "1 + 2?", "chosen": '[{"name": "add"}]', "rejected": '[{"name": "print"}]'},
        # Objects in JSON are no messages where nobody is known to speak.
        {"prompt": "Convert.", "chosen": '{"from": "USD", "value": 9}', "rejected": "I cannot."},
    ],
)
def test_text_that_looks_like_something_else_is_text(tmp_path, row):
    battle = read_one(tmp_path, row)
    assert preferred(battle) == ([row["prompt"]], [row["chosen"]], [row["rejected"]])


def test_messages_among_rows_of_plain_text_in_a_csv_file(tmp_path):
    messages = [
        message_of("user", "Hi"),
        message_of("assistant", "Hello"),
        message_of("user", PROMPT),
    ]
    answers = {
        name: json.dumps(ask(answer=text)) for name, text in (("chosen", GOOD), ("rejected", BAD))
    }
    rows = [{"prompt": f"q {n}", "chosen": GOOD, "rejected": BAD} for n in range(4)]
    rows += [
        {"prompt": json.dumps(messages), "chosen": GOOD, "rejected": BAD},
        {"prompt": "", **answers},
        # An answer may be a list in JSON itself.
        {"prompt": PROMPT, "chosen": '[{"a": 1}]', "rejected": '["a"]'},
    ]
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    battles, quarantined = fetch(tmp_path / "a.csv")
    assert quarantined == []
    assert list(map(preferred, battles[4:])) == [
        (["Hi", PROMPT], ["Hello", GOOD], ["Hello", BAD]),
        ([PROMPT], [GOOD], [BAD]),
        ([PROMPT], ['[{"a": 1}]'], ['["a"]']),
    ]


def test_the_chosen_answer_is_a_half_of_the_time_and_always_the_same(tmp_path):
    rows = [{"prompt": f"q {n}", "chosen": GOOD, "rejected": BAD} for n in range(1000)]
    battles, _ = fetch(write_lines(tmp_path / "a.jsonl", rows))
    labels = {battle["prompt"][0]: battle["label"] for battle in battles}
    # Five standard deviations of a fair coin.
    assert abs(np.mean(list(labels.values())) - 0.5) < 5 * 0.5 / 1000**0.5
    # The order of the rows, the container, and the other rows do not matter.
    pq.write_table(pa.Table.from_pylist(rows[500::-1]), tmp_path / "a.parquet")
    again, _ = fetch(tmp_path / "a.parquet")
    assert {battle["prompt"][0]: battle["label"] for battle in again}.items() <= labels.items()


def test_sides_are_those_of_the_texts_whichever_is_preferred(tmp_path):
    rows = [{"prompt": f"q {n}", "chosen": GOOD, "rejected": BAD} for n in range(20)]
    turned = [{**row, "chosen": BAD, "rejected": GOOD} for row in rows]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", [*rows, *turned]))
    assert quarantined == []
    for one, other in zip(battles[:20], battles[20:], strict=True):
        assert one["response_a"] == other["response_a"]
        assert one["label"] != other["label"]


def test_equal_rows_are_battles_of_their_own_where_there_are_no_ids(tmp_path):
    rows = [PAIRS["messages"]] * 3 + [PAIRS["transcripts"]]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows[:3]))
    assert quarantined == []
    assert len({battle["id"] for battle in battles}) == 3
    # The file has another name and form, and the key is the same.
    again, _ = fetch(write_lines(tmp_path / "b.jsonl", rows[3:]))
    assert again[0]["id"] == battles[0]["id"]


def test_reward_bench_keeps_subset_and_models(tmp_path):
    row = PAIRS["text with a prompt"] | {
        "chosen_model": "good-model",
        "rejected_model": "bad-model",
        "subset": "refusals",
        "id": 3,
    }
    battles, quarantined = fetch(
        write_lines(tmp_path / "a.jsonl", [row, {**row, "subset": "xstest"}])
    )
    assert quarantined == []
    assert [battle["subset"] for battle in battles] == ["refusals", "xstest"]
    assert [battle["source_id"] for battle in battles] == ["3", "3"]
    for battle in battles:
        names = [battle["model_a"], battle["model_b"]]
        assert names[battle["label"]] == "good-model"
        assert names[1 - battle["label"]] == "bad-model"
