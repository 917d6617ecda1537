"""Messages of conversations that end with a preferred or a rejected answer."""

from schema_rows import BAD, GOOD, PROMPT

ANSWERS = {"chosen": GOOD, "rejected": BAD}


DIALOGUES = {
    "chosen": f"Human: Hi\n\nAssistant: {GOOD}",
    "rejected": f"Human: Hi\n\nAssistant: {BAD}",
}


def message_of(role, text):
    return {"role": role, "content": text}


def hi(answer):
    return [message_of("user", "hi"), message_of("assistant", answer)]


def ask(*before, answer):
    return [*before, message_of("user", PROMPT), message_of("assistant", answer)]
