"""Preferred and rejected answers that would be misread are refused, each with a reason."""

import pandas as pd
import pytest
from pair_messages import ANSWERS, DIALOGUES, ask, hi, message_of
from schema_rows import BAD, GOOD, PAIRS, PROMPT, fetch, write_lines

from preference.runtime.errors import BadInput


def test_one_message_as_python_prints_it_is_refused(tmp_path):
    row = {name: str({"from": "gpt", "value": text}) for name, text in ANSWERS.items()}
    pd.DataFrame([{"prompt": PROMPT} | row]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(BadInput, match="column chosen holds lists as Python or NumPy prints them"):
        fetch(tmp_path / "a.csv")


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
                "conversations": [message_of("user", PROMPT)],
                **{name: message_of("assistant", text) for name, text in ANSWERS.items()},
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
                "prompt": [
                    message_of("user", "Which?"),
                    message_of("assistant", "Else?"),
                    message_of("user", "hi"),
                ],
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
                {
                    "prompt": PROMPT,
                    "chosen": [message_of("assistant", None) | more],
                    "rejected": [],
                },
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
            {"prompt": PROMPT, "chosen": [message_of("asistant", "Yes")], "rejected": []},
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
