"""A prompt beside answers, or beside whole conversations that have it already."""

import pandas as pd
import pytest
from pair_messages import ANSWERS, ask, hi, message_of
from schema_rows import BAD, GOOD, PAIRS, PROMPT, fetch, preferred, read_one, write_lines


@pytest.mark.parametrize(
    ("prompt", "before", "read"),
    [
        (PROMPT, [], PROMPT),
        # One of two copies is often stripped.
        (f" {PROMPT}\n", [], PROMPT),
        (
            [message_of("system", "Be brief."), message_of("user", PROMPT)],
            [],
            f"Be brief.\n\n{PROMPT}",
        ),
        (PROMPT, [message_of("system", "Be brief.")], f"Be brief.\n\n{PROMPT}"),
        ("Be brief.", [message_of("system", "Be brief.")], f"Be brief.\n\n{PROMPT}"),
        (f"<|user|>\n{PROMPT}<|end|>\n<|assistant|>\n", [], PROMPT),
        (f"[gMASK]<sop><|user|>\n{PROMPT}<|assistant|>", [], PROMPT),
        ([message_of("system", ""), message_of("user", PROMPT)], [], PROMPT),
        (PROMPT, [message_of("system", "")], PROMPT),
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
    question = [message_of("user", f"Say it: {PROMPT}")]
    answers = {name: [*question, message_of("assistant", text)] for name, text in ANSWERS.items()}
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


def test_a_short_message_does_not_stand_for_a_system_message_with_its_letters(tmp_path):
    system = message_of("system", "You are a machine.")
    row = {"prompt": [system, message_of("user", "hi")], "chosen": hi(GOOD), "rejected": hi(BAD)}
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


def test_a_system_message_that_is_a_part_of_the_question_is_not_repeated(tmp_path):
    question = [message_of("user", f"Be brief.\n\n{PROMPT}")]
    row = {
        "prompt": [message_of("system", "Be brief."), message_of("user", PROMPT)],
        "chosen": [*question, message_of("assistant", GOOD)],
        "rejected": [*question, message_of("assistant", BAD)],
    }
    expected = ([f"Be brief.\n\n{PROMPT}"], [GOOD], [BAD])
    assert preferred(read_one(tmp_path, row)) == expected


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
