"""Conversations written as one text: HH-RLHF's transcripts, and answers with a common beginning."""

import re

from preference.sources.row_parser import NotABattle
from preference.sources.schemas.messages import ASSISTANT, USER, Message, Turns, split_turns

SPEAKER = re.compile(r"(?:^|\r?\n\r?\n)(Human|Assistant):[ ]?")
OPEN_END = re.compile(r"\r?\n\r?\nAssistant:\s*$")
ROLES = {"Human": USER, "Assistant": ASSISTANT}


def is_transcript(text: str) -> bool:
    """Return whether a text begins as HH-RLHF's conversations do, with an empty line or without."""
    return text.lstrip().startswith("Human:")


def is_marked_transcript(text: str) -> bool:
    """Return whether a text is a transcript beyond doubt, because it begins with an empty line."""
    return text[:1] in ("\r", "\n") and is_transcript(text)


def is_open_transcript(text: str) -> bool:
    """Return whether a text is a transcript whose last speaker has yet to speak."""
    return is_transcript(text) and OPEN_END.search(text) is not None


def read_transcript(name: str, text: str) -> tuple[Turns, Turns]:
    """Return the prompts and the answers of a transcript, one item for each turn.

    Raises:
        NotABattle: human and assistant do not speak by turns.
    """
    begin, *parts = SPEAKER.split(text.lstrip())
    if begin:
        raise NotABattle(f"{name} does not begin with a speaker")
    messages: list[Message] = []
    for speaker, said in zip(parts[::2], parts[1::2], strict=True):
        role = ROLES[speaker]
        # Some speakers say two things in a row.
        if messages and messages[-1][0] == role:
            said = f"{messages.pop()[1]}\n\n{said}"
        messages.append((role, said))
    return split_turns(name, messages)


def split_prefix(chosen: str, rejected: str) -> tuple[str, str, str]:
    """Return what two texts begin with, up to a word's beginning, and the rest of each."""
    pairs = enumerate(zip(chosen, rejected, strict=False))
    shorter = min(len(chosen), len(rejected))
    cut = next((place for place, (one, other) in pairs if one != other), shorter)
    while cut and not chosen[cut - 1].isspace():
        cut -= 1
    return chosen[:cut], chosen[cut:], rejected[cut:]
