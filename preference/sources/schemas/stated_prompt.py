"""Whether a conversation has the prompt that a column beside it states.

Whole words are compared, and spaces do not count: one of two copies is often stripped.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from preference.sources.schemas.messages import ASSISTANT, ROLES, Message

WORD = re.compile(r"\w+")
# The marks of templates, such as <|user|> and [INST].
MARK = re.compile(r"<[^<>]{1,40}>|\[/?[A-Za-z0-9 _]{1,20}\]")
# What templates write around messages beside marks, without case.
TEMPLATE_WORDS = frozenset(
    (
        *ROLES,
        "bot",
        "ai",
        "model",
        "instruction",
        "question",
        "response",
        "answer",
        "gpt4",
        "correct",
    )
)
# A text that repeats itself has very many places where a part of it begins.
MOST_PLACES = 100


def find_missing_messages(
    prompt: Sequence[Message], conversation: Sequence[Message]
) -> list[Message]:
    """Return the messages of the prompt that a conversation does not have."""
    return [message for message in prompt if not is_said(message, conversation)]


def is_said(message: Message, conversation: Sequence[Message]) -> bool:
    """Return whether a conversation has the words of a message.

    They may be a part of another message, as a system message is of the user's. Or the message may
    be the template of a chat, in which the conversation's messages are all but the marks of who
    speaks.
    """
    role, _ = message
    text = _normalize(message)
    if not text:
        return True
    said = [_normalize(one) for one in conversation if one[0] != ASSISTANT or one[0] == role]
    return any(_find(one, text) is not None for one in said) or _is_template(
        text, map(_normalize, conversation)
    )


def _is_template(text: str, said: Iterable[str]) -> bool:
    rest = text
    for one in said:
        start = _find(rest, one) if one else None
        if start is not None:
            rest = f"{rest[:start]} {rest[start + len(one) :]}"
    words = WORD.findall(MARK.sub(" ", rest).casefold())
    return rest != text and TEMPLATE_WORDS.issuperset(words)


def _find(text: str, part: str) -> int | None:
    """Return where a text has a part in whole words, None where it has not."""
    start = -1
    for _ in range(MOST_PLACES):
        start = text.find(part, start + 1)
        if start < 0:
            return None
        end = start + len(part)
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        if not (_is_one_word(before, part[:1]) or _is_one_word(part[-1:], after)):
            return start
    return None


def _is_one_word(first: str, second: str) -> bool:
    """Return whether two characters are of one word; they may be empty."""
    # Many scripts without case, such as Han and Thai, have no spaces between words.
    return all(
        one == "_" or (one.isalnum() and unicodedata.category(one) != "Lo")
        for one in (first, second)
    )


def _normalize(message: Message) -> str:
    return " ".join(message[1].split())
