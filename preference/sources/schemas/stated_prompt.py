"""Whether a conversation has the prompt that a column beside it states.

Whole words are compared, and spaces do not count: one of two copies is often stripped.
"""

import re
from collections.abc import Iterable, Sequence

from preference.sources.schemas.messages import ASSISTANT, ROLES, Message

WORD = re.compile(r"\w+")
# What the templates of chats write around messages, without case.
TEMPLATE_WORDS = frozenset(
    (
        *(*ROLES, "bot", "ai", "model", "inst", "sys", "s", "bos", "eos", "end", "endoftext"),
        *("im_start", "im_end", "start_header_id", "end_header_id", "begin_of_text", "eot_id"),
        *("start_of_turn", "end_of_turn", "instruction", "question", "response", "answer"),
    )
)


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
    return rest != text and TEMPLATE_WORDS.issuperset(WORD.findall(rest.casefold()))


def _find(text: str, part: str) -> int | None:
    """Return where a text has a part in whole words, None where it has not."""
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        if not WORD.match(text[max(start - 1, 0) : start]) and not WORD.match(text[end : end + 1]):
            return start
        start = text.find(part, start + 1)
    return None


def _normalize(message: Message) -> str:
    return " ".join(message[1].split())
