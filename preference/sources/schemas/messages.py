"""Conversations as lists of messages, each with a `role` and `content`, as turns.

Roles may also be those of ShareGPT, with `from` and `value`. A system message is part of the prompt
that follows it.
"""

import json
from collections.abc import Mapping, Sequence

from preference.sources.row_parser import NotABattle

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "user": USER,
    "human": USER,
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
}
# Where a message has who speaks, and its text.
SPEAKERS, CONTENTS = ("role", "from"), ("content", "value")
# What a message may hold beside its text.
MORE_THAN_TEXT = frozenset(("tool_calls", "function_call", "refusal", "images", "audio"))
Turns = list[str]
# A role of `ROLES`, and the text.
Message = tuple[str, str]


def read_messages(name: str, value: object) -> list[Message]:
    """Return the messages of a column: a list, one message alone, or either as JSON text.

    Raises:
        NotABattle: they are neither, are missing or none, have an unknown role, or hold no text or
            more than text.
    """
    if value is None:
        raise NotABattle(f"{name} is missing")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, dict) and not value.keys().isdisjoint(SPEAKERS):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NotABattle(f"{name} is not a JSON list of messages")
    if not value:
        raise NotABattle(f"{name} has no message")
    return [_read_message(name, message) for message in value]


def is_message(values: Mapping[str, object]) -> bool:
    """Return whether an object has a known role and a content, unlike other answers in JSON."""
    role = values.get("role", values.get("from"))
    contents = [values[key] for key in CONTENTS if key in values]
    is_known = isinstance(role, str) and role.lower() in ROLES
    return is_known and any(isinstance(one, str | list | None) for one in contents)


def split_turns(name: str, messages: Sequence[Message]) -> tuple[Turns, Turns]:
    """Return the prompts and the answers of a conversation, one item for each turn.

    Raises:
        NotABattle: user and assistant do not speak by turns.
    """
    spoken: list[Message] = []
    system: list[str] = []
    for role, text in messages:
        if role == SYSTEM:
            system.extend([text] if text.strip() else [])
        elif role == USER and system:
            spoken.append((role, "\n\n".join([*system, text])))
            system = []
        else:
            spoken.append((role, text))
    roles = [role for role, _ in spoken]
    if system or roles != [USER, ASSISTANT] * (len(spoken) // 2):
        raise NotABattle(f"{name} is not user and assistant by turns")
    texts = [text for _, text in spoken]
    return texts[::2], texts[1::2]


def _read_message(name: str, message: Mapping[str, object]) -> Message:
    role = message.get("role", message.get("from"))
    known = ROLES.get(role.lower()) if isinstance(role, str) else None
    if known is None:
        raise NotABattle(f"{name} has a role that is not {', '.join(ROLES)}")
    content = message.get("content")
    if content is None:
        content = message.get("value")
    if content is None and message.keys().isdisjoint(CONTENTS):
        raise NotABattle(f"{name} has a message without content")
    if not MORE_THAN_TEXT.isdisjoint(message) and any(map(message.get, MORE_THAN_TEXT)):
        raise NotABattle(f"{name} holds more than text")
    return known, content if isinstance(content, str) else _read_parts(name, content)


def _read_parts(name: str, content: object) -> str:
    if content is None:
        return ""
    if not isinstance(content, list) or not all(map(_is_text_part, content)):
        raise NotABattle(f"{name} holds more than text")
    return "\n".join(part["text"] or "" for part in content)


def _is_text_part(part: object) -> bool:
    return (
        isinstance(part, dict)
        and part.get("type") == "text"
        and "text" in part
        and isinstance(part["text"], str | None)
        and not part.get("image")
    )
