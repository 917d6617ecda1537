"""Preferred and rejected answers in every form become battles with A on either side."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from schema_rows import BAD, GOOD, PAIRS, PROMPT, fetch, preferred, read_one, write_lines

from preference.runtime.errors import BadInput

ANSWERS = {"chosen": GOOD, "rejected": BAD}
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


def say(role, text):
    return {"role": role, "content": text}


def hi(answer):
    return [say("user", "hi"), say("assistant", answer)]


def ask(*before, answer):
    return [*before, say("user", PROMPT), say("assistant", answer)]


@pytest.mark.parametrize(
    ("prompt", "before", "read"),
    [
        (PROMPT, [], PROMPT),
        # One of two copies is often stripped.
        (f" {PROMPT}\n", [], PROMPT),
        ([say("system", "Be brief."), say("user", PROMPT)], [], f"Be brief.\n\n{PROMPT}"),
        (PROMPT, [say("system", "Be brief.")], f"Be brief.\n\n{PROMPT}"),
        ("Be brief.", [say("system", "Be brief.")], f"Be brief.\n\n{PROMPT}"),
        (f"<|user|>\n{PROMPT}<|end|>\n<|assistant|>\n", [], PROMPT),
        (f"[gMASK]<sop><|user|>\n{PROMPT}<|assistant|>", [], PROMPT),
        ([say("system", ""), say("user", PROMPT)], [], PROMPT),
        (PROMPT, [say("system", "")], PROMPT),
        *[(empty, [], PROMPT) for empty in ("", " ", None, [])],
    ],
)
def test_conversations_that_have_the_prompt_already(tmp_path, prompt, before, read):
    row = {
        "prompt": prompt,
        "chosen": ask(*before, answer=GOOD),
        "rejected": ask(*before, answer=BAD),
    }
    assert preferred(read_one(tmp_path, row)) == ([read], [GOOD], [BAD])


@pytest.mark.parametrize(
    "row",
    [
        # Chinese has no spaces between words.
        {"system": "你是一个助手。", "prompt": "你是一个助手。请介绍北京"},
        {"input": "我喜欢你", "prompt": "把我喜欢你翻译成英文"},
        {"input": "(abc)", "prompt": "Mend (abc)def"},
        *({"input": name, "prompt": PROMPT} for name in ("<noinput>", "N/A", "nan")),
        {"input": ["other"], "prompt": PROMPT},
    ],
)
def test_what_the_prompt_has_already_is_not_repeated(tmp_path, row):
    expected = ([row["prompt"]], [GOOD], [BAD])
    assert preferred(read_one(tmp_path, row | ANSWERS)) == expected


def test_two_columns_of_system_messages_that_are_the_same(tmp_path):
    row = {"system": "Be brief.", "system_prompt": "Be brief.", "prompt": PROMPT} | ANSWERS
    assert preferred(read_one(tmp_path, row))[0] == [f"Be brief.\n\n{PROMPT}"]


def test_the_input_of_an_instruction_may_be_in_the_conversation(tmp_path):
    question = [say("user", f"Say it: {PROMPT}")]
    answers = {name: [*question, say("assistant", text)] for name, text in ANSWERS.items()}
    row = {"prompt": "Say it:", "input": PROMPT} | answers
    assert preferred(read_one(tmp_path, row))[0] == [f"Say it: {PROMPT}"]


def test_a_speaker_who_speaks_twice_beside_the_same_prompt(tmp_path):
    prompt = "\n\nHuman: One.\n\nHuman: Two.\n\nAssistant:"
    row = {"prompt": prompt, **{name: f"{prompt} {text}" for name, text in ANSWERS.items()}}
    assert preferred(read_one(tmp_path, row)) == (["One.\n\nTwo."], [GOOD], [BAD])


@pytest.mark.parametrize("begin", ["", "\n\n"])
def test_a_stripped_transcript_beside_the_prompt_with_which_it_begins(tmp_path, begin):
    prompt = f"Human: {PROMPT}\n\nAssistant:"
    row = {"prompt": f"{begin}{prompt}"}
    row |= {name: f"{prompt} {text}" for name, text in ANSWERS.items()}
    assert preferred(read_one(tmp_path, row)) == ([PROMPT], [GOOD], [BAD])


def test_a_null_beside_text_is_an_empty_answer(tmp_path):
    row = {"prompt": PROMPT, "chosen": GOOD, "rejected": None}
    assert preferred(read_one(tmp_path, row)) == ([PROMPT], [GOOD], [""])


def test_one_line_of_messages_is_no_table(tmp_path):
    row = {"prompt": say("user", PROMPT)}
    row |= {name: say("assistant", text) for name, text in ANSWERS.items()}
    assert preferred(read_one(tmp_path, row)) == ([PROMPT], [GOOD], [BAD])


def test_a_short_message_does_not_stand_for_a_system_message_with_its_letters(tmp_path):
    system = say("system", "You are a machine.")
    row = {"prompt": [system, say("user", "hi")], "chosen": hi(GOOD), "rejected": hi(BAD)}
    expected = (["You are a machine.\n\nhi"], [GOOD], [BAD])
    assert preferred(read_one(tmp_path, row)) == expected


@pytest.mark.parametrize("form", PAIRS)
@pytest.mark.parametrize("name", ["system", "system_prompt"])
def test_a_column_of_system_messages_is_a_part_of_the_prompt(tmp_path, form, name):
    row = PAIRS[form] | {name: "Be brief."}
    expected = ([f"Be brief.\n\n{PROMPT}"], [GOOD], [BAD])
    assert preferred(read_one(tmp_path, row)) == expected


@pytest.mark.parametrize(
    "template",
    [
        "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
        "<s>[INST] {} [/INST]",
        "Human: {}\n\nAssistant:",
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_prompt_may_be_the_template_of_the_conversation(tmp_path, template, as_text):
    row = {"prompt": template.format(PROMPT), "chosen": ask(answer=GOOD)}
    row["rejected"] = ask(answer=BAD)
    if as_text:
        row |= {name: f"\n\nHuman: {PROMPT}\n\nAssistant: {text}" for name, text in ANSWERS.items()}
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


def test_one_message_as_python_prints_it_is_refused(tmp_path):
    row = {name: str({"from": "gpt", "value": text}) for name, text in ANSWERS.items()}
    pd.DataFrame([{"prompt": PROMPT} | row]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(BadInput, match="column chosen holds lists as Python or NumPy prints them"):
        fetch(tmp_path / "a.csv")


@pytest.mark.parametrize("has_other_prompts", [False, True])
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": None, "chosen": "What is it? It is so.", "rejected": "What is it? It is not."},
        {"prompt": None, **{name: f"Human: hi\n\nAssistant: {name}" for name in ANSWERS}},
    ],
)
def test_a_blank_prompt_in_csv_is_a_null_one(tmp_path, row, has_other_prompts):
    others = [{"prompt": PROMPT, "chosen": GOOD, "rejected": BAD}] * has_other_prompts
    pd.DataFrame([*others, row]).to_csv(tmp_path / "a.csv", index=False)
    write_lines(tmp_path / "a.jsonl", [*others, row])
    in_csv, in_json = (fetch(tmp_path / name)[0][-1] for name in ("a.csv", "a.jsonl"))
    assert preferred(in_csv) == preferred(in_json)
    assert in_csv["prompt"] != [""] or (has_other_prompts and "Human" not in row["chosen"])


def test_answers_of_digits_are_text_although_they_became_numbers(tmp_path):
    rows = [{"prompt": f"{n} + 1?", "chosen": n + 1, "rejected": n} for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    battles, quarantined = fetch(tmp_path / "a.parquet")
    assert quarantined == []
    assert preferred(battles[2]) == (["2 + 1?"], ["3"], ["2"])


def test_a_system_message_that_is_a_part_of_the_question_is_not_repeated(tmp_path):
    question = [say("user", f"Be brief.\n\n{PROMPT}")]
    row = {
        "prompt": [say("system", "Be brief."), say("user", PROMPT)],
        "chosen": [*question, say("assistant", GOOD)],
        "rejected": [*question, say("assistant", BAD)],
    }
    expected = ([f"Be brief.\n\n{PROMPT}"], [GOOD], [BAD])
    assert preferred(read_one(tmp_path, row)) == expected


DIALOGUES = {
    "chosen": f"Human: Hi\n\nAssistant: {GOOD}",
    "rejected": f"Human: Hi\n\nAssistant: {BAD}",
}


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
    messages = [say("user", "Hi"), say("assistant", "Hello"), say("user", PROMPT)]
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


def test_a_column_of_prompts_that_are_all_null_is_none(tmp_path):
    rows = [{"prompt": None, "chosen": f"{PROMPT} {GOOD}", "rejected": f"{PROMPT} {BAD}"}]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert quarantined == []
    prompt, chosen, rejected = preferred(battles[0])
    assert prompt[0].startswith(PROMPT)
    assert prompt[0] + chosen[0] == rows[0]["chosen"]
    assert prompt[0] + rejected[0] == rows[0]["rejected"]


def test_a_row_without_a_prompt_in_a_file_of_prompts_has_an_empty_one(tmp_path):
    rows = [
        {"prompt": PROMPT, "chosen": GOOD, "rejected": BAD},
        {"prompt": None, "chosen": "It is so.", "rejected": "It is not."},
        {"chosen": "It is so, too.", "rejected": "It is not, too."},
    ]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert quarantined == []
    assert [preferred(battle) for battle in battles[1:]] == [
        ([""], ["It is so."], ["It is not."]),
        ([""], ["It is so, too."], ["It is not, too."]),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"chosen": "Yes.", "rejected": "No."},
            "there is no prompt, and chosen and rejected begin differently",
        ),
        *(
            (
                {name: PROMPT, "chosen": "The answer is 4.", "rejected": "The answer is 5."},
                f"prompt is missing (rename {name}, or remove what is none)",
            )
            for name in ("question", "instruction", "trajectory")
        ),
        (
            {"instruction": "Say.", "input": "Hi", "chosen": "It is so.", "rejected": "It is not."},
            "prompt is missing (join instruction, input, or remove what is none)",
        ),
        (
            {"prompt": "Translate.", "input": "Hallo", "chosen": GOOD, "rejected": BAD},
            "input is not in the prompt (join them, or remove it if it is none)",
        ),
        (
            {
                "conversations": [say("user", PROMPT)],
                **{name: say("assistant", text) for name, text in ANSWERS.items()},
            },
            "prompt is missing (rename conversations, or remove what is none)",
        ),
        # The words of a message are in others by chance.
        (
            {"prompt": "What is this theorem?", "chosen": hi(GOOD), "rejected": hi(BAD)},
            "chosen is a conversation without the prompt (remove it if it is none)",
        ),
        (
            {
                "prompt": [say("user", "Which?"), say("assistant", "Else?"), say("user", "hi")],
                "chosen": hi(GOOD),
                "rejected": hi(BAD),
            },
            "chosen is a conversation without the prompt (remove it if it is none)",
        ),
        (
            {"prompt": "a" * 100_000, "chosen": hi("a" * 200_000), "rejected": hi(BAD)},
            "chosen is a conversation without the prompt (remove it if it is none)",
        ),
        (
            {"prompt": "Write a chat.", **{k: f"\n\n{text}" for k, text in DIALOGUES.items()}},
            "chosen is a conversation without the prompt (remove it if it is none)",
        ),
        *(
            (
                {"prompt": PROMPT, "chosen": [say("assistant", None) | more], "rejected": []},
                "chosen holds more than text",
            )
            for more in ({"function_call": {"name": "w"}}, {"refusal": "No."}, {"images": ["a"]})
        ),
        (
            {"prompt": PROMPT, "a": GOOD, "b": BAD, "chosen": "b", "rejected": "a"},
            "chosen and rejected are names of columns (put the answers there)",
        ),
        (
            {"prompt": "Another?", "chosen": ask(answer=GOOD), "rejected": ask(answer=BAD)},
            "chosen is a conversation without the prompt (remove it if it is none)",
        ),
        (
            {"prompt": '["Hi", "And?"]', "chosen": '["Yes", "So."]', "rejected": '["No", "No."]'},
            "prompt is not a JSON list of messages",
        ),
        (
            {"prompt": PROMPT, "chosen": [{"role": "assistant", "text": "Yes"}], "rejected": []},
            "chosen has a message without content",
        ),
        (
            {"prompt": PROMPT, "chosen": [say("asistant", "Yes")], "rejected": []},
            "chosen has a role that is not system, developer, user, human, assistant, gpt",
        ),
        (
            {"prompt": PROMPT, "chosen": ask(answer=GOOD), "rejected": []},
            "rejected has no message",
        ),
        (
            {"prompt": PROMPT, "chosen": ask(answer=GOOD), "rejected": None},
            "rejected is missing",
        ),
    ],
)
def test_what_would_be_misread_is_not_read(tmp_path, row, reason):
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", [row]))
    assert battles == []
    assert [one.reason for one in quarantined] == [reason]


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        (f"\n\nHuman: Who?\n\nAssistant: {GOOD}", "conversations with different prompts"),
        ("\n\nHuman: Hello.", "chosen is not user and assistant by turns"),
        (7.5, "chosen and rejected are not both text or both messages"),
        ({"role": "user"}, "chosen and rejected are not both text or both messages"),
    ],
)
def test_a_pair_that_is_no_battle_has_a_reason(tmp_path, chosen, reason):
    rows = [PAIRS["transcripts"], {**PAIRS["transcripts"], "chosen": chosen}]
    battles, quarantined = fetch(write_lines(tmp_path / "a.jsonl", rows))
    assert len(battles) == 1
    assert [(row.line, row.reason) for row in quarantined] == [(2, reason)]


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
