"""Preferred and rejected answers: TRL's four forms, HH-RLHF's transcripts, and RewardBench.

The answers are text or lists of messages. The prompt is in a column of its own, or what both begin
with. Which answer is A is decided by `sides`; to predict without labels, `chosen` is A.
"""

import re
from collections.abc import Iterable

from preference.battles.table import A_WINS, B_WINS
from preference.sources.row_parser import KEYED_BY_CONTENT, NotABattle, RawRow
from preference.sources.schemas.column_forms import is_json_list, is_json_messages
from preference.sources.schemas.labels import flags_of
from preference.sources.schemas.messages import (
    ASSISTANT,
    SYSTEM,
    USER,
    Message,
    Turns,
    read_messages,
    split_turns,
)
from preference.sources.schemas.schema import (
    Reading,
    Schema,
    check_columns,
    is_blank,
    is_missing,
    read_id,
    read_slices,
    read_text,
)
from preference.sources.schemas.sides import is_chosen_first
from preference.sources.schemas.stated_prompt import find_missing_messages, is_said
from preference.sources.schemas.transcripts import (
    is_begun_transcript,
    is_marked_transcript,
    is_transcript,
    read_transcript,
    split_prefix,
)

ANSWERS = ("chosen", "rejected")
# A system message for all conversations of the row.
SYSTEMS = ("system", "system_prompt")
# Where files without `prompt` have it. Without it, the answers' common beginning would be taken.
QUESTIONS = (
    *("question", "instruction", "query", "input", "context", "trajectory", "problem", "task"),
    *("user", "user_prompt", "request", "message", "post", "history", "dialogue", "text"),
    *("messages", "conversation", "conversations"),
)
# How sets such as Alpaca's, and pandas, write that an instruction has no input.
NO_INPUT = re.compile(r"\s*(?:(?:<?no ?input>?|n/?a|nan|none|null)\s*)?", re.IGNORECASE)
Conversation = tuple[Turns, Turns]


def convert(row: RawRow, reading: Reading) -> RawRow:
    """Convert a row to the Kaggle schema.

    Raises:
        NotABattle: it lacks a column, or has a value that cannot be used.
    """
    check_columns(row, ANSWERS)
    (prompt, chosen), (other, rejected) = _read_conversations(row, reading)
    if prompt != other:
        raise NotABattle("conversations with different prompts")
    in_order = not reading.labelled or is_chosen_first(prompt, chosen, rejected)
    names = ANSWERS if in_order else ANSWERS[::-1]
    answers = {"chosen": chosen, "rejected": rejected}
    models = [row.get(f"{name}_model") for name in names]
    return {
        **_read_id(row),
        "prompt": prompt,
        "response_a": answers[names[0]],
        "response_b": answers[names[1]],
        **(flags_of(A_WINS if in_order else B_WINS) if reading.labelled else {}),
        "model_a": models[0],
        "model_b": models[1],
        **read_slices(row),
    }


def _read_id(row: RawRow) -> dict[str, object]:
    # RewardBench counts the rows of each subset.
    found = read_id(row, "id")
    return {**found, KEYED_BY_CONTENT: True} if "subset" in row else found


def _read_conversations(row: RawRow, reading: Reading) -> tuple[Conversation, Conversation]:
    is_text = _is_text("chosen", row, reading), _is_text("rejected", row, reading)
    if is_text[0] != is_text[1] and not any(is_missing(row[name]) for name in ANSWERS):
        raise NotABattle("chosen and rejected are not both text or both messages")
    prompt = _read_prompt(row, reading)
    if any(is_text):
        chosen, rejected = _read_texts(row, reading, prompt)
    else:
        messages = read_messages("chosen", row["chosen"])
        others = read_messages("rejected", row["rejected"])
        if not prompt and _are_answers_alone([*messages, *others]):
            _check_has_no_question(row, reading)
        chosen, rejected = (
            _complete("chosen", prompt, messages),
            _complete("rejected", prompt, others),
        )
    _check_input(row.get("input"), chosen[0])
    return chosen, rejected


def _are_answers_alone(messages: Iterable[Message]) -> bool:
    return all(role == ASSISTANT for role, _ in messages)


def _is_text(name: str, row: RawRow, reading: Reading) -> bool:
    """Return whether a value is text, and not messages or a list as JSON, as CSV has them."""
    value = row[name]
    # Writers of JSON may turn an answer of digits alone into a number.
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    if not isinstance(value, str) or is_json_messages(value):
        return False
    return name in reading.plain or not is_json_list(value)


def _read_prompt(row: RawRow, reading: Reading) -> list[Message]:
    """Return the prompt's messages, without one where it is blank, as null is in CSV."""
    prompt = _read_stated_prompt(row, reading)
    systems: list[Message] = []
    for name in SYSTEMS:
        if not is_blank(row.get(name)):
            system = (SYSTEM, read_text(name, row[name]))
            systems += find_missing_messages([system], [*systems, *prompt])
    return [*systems, *prompt]


def _read_stated_prompt(row: RawRow, reading: Reading) -> list[Message]:
    value = row.get("prompt")
    if is_blank(value):
        return []
    if not _is_text("prompt", row, reading):
        return read_messages("prompt", value)
    text = read_text("prompt", value)
    if not is_begun_transcript(text):
        return [(USER, text)]
    messages = read_transcript("prompt", text)
    # The assistant, who is next, has not spoken yet.
    return [message for message in messages if message[1].strip() or message[0] == USER]


def _check_input(value: object, prompts: Turns) -> None:
    """Check that the input of an instruction is in the prompt, and not beside it."""
    if not isinstance(value, str) or NO_INPUT.fullmatch(value):
        return
    if not is_said((USER, value), [(USER, prompt) for prompt in prompts]):
        raise NotABattle("input is not in the prompt (join them, or remove it if it is none)")


def _complete(name: str, prompt: list[Message], messages: list[Message]) -> Conversation:
    """Return an answer with its prompt, or a whole conversation, which must have the prompt."""
    if _are_answers_alone(messages):
        return split_turns(name, [*prompt, *messages])
    missing = find_missing_messages(prompt, messages) if prompt else []
    if any(role != SYSTEM for role, _ in missing):
        raise NotABattle(f"{name} is a conversation without the prompt (remove it if it is none)")
    return split_turns(name, [*missing, *messages])


def _read_texts(
    row: RawRow, reading: Reading, prompt: list[Message]
) -> tuple[Conversation, Conversation]:
    texts = {name: read_text(name, row[name]) for name in ANSWERS}
    # pandas writes its index as a column without a name.
    if reading.unread.issuperset(texts.values()) and any(texts.values()):
        raise NotABattle("chosen and rejected are names of columns (put the answers there)")
    has_prompt = not is_blank(row.get("prompt"))
    stated = row.get("prompt")
    begun = stated if isinstance(stated, str) and is_begun_transcript(stated) else None
    # An answer to a prompt may be a dialogue that somebody asked for.
    is_whole = is_marked_transcript if has_prompt else is_transcript
    has_whole = all(map(is_whole, texts.values())) or (
        begun is not None and all(one.lstrip().startswith(begun.strip()) for one in texts.values())
    )
    if not has_whole:
        if begun is not None:
            prompt = [message for message in prompt if message[0] == SYSTEM]
            texts = {name: f"{begun}{text}" for name, text in texts.items()}
        else:
            if not has_prompt:
                prompt, texts = _find_prompt(row, reading, prompt, texts)
            ends = [[*prompt, (ASSISTANT, text)] for text in texts.values()]
            return split_turns("prompt", ends[0]), split_turns("prompt", ends[1])
    chosen, rejected = (
        _complete(name, prompt, read_transcript(name, text)) for name, text in texts.items()
    )
    return chosen, rejected


def _find_prompt(
    row: RawRow, reading: Reading, systems: list[Message], texts: dict[str, str]
) -> tuple[list[Message], dict[str, str]]:
    """Return the prompt of a row that has none, and the answers without it."""
    if "prompt" in reading.filled:
        return [*systems, (USER, "")], texts
    _check_has_no_question(row, reading)
    prompt, chosen, rejected = split_prefix(*texts.values())
    if not prompt.strip():
        raise NotABattle("there is no prompt, and chosen and rejected begin differently")
    return [*systems, (USER, prompt)], {"chosen": chosen, "rejected": rejected}


def _check_has_no_question(row: RawRow, reading: Reading) -> None:
    """Check that the prompt of a row without one is in no column of another name."""
    found = [name for name in QUESTIONS if name in reading.unread or not is_blank(row.get(name))]
    if found:
        how = f"rename {found[0]}" if len(found) == 1 else f"join {', '.join(found)}"
        raise NotABattle(f"prompt is missing ({how}, or remove what is none)")


SCHEMA = Schema(
    name="chosen and rejected answers",
    needed=ANSWERS,
    labels=(),
    optional=(
        *("id", "prompt", *SYSTEMS, "input"),
        *("chosen_model", "rejected_model", "subset", "language"),
    ),
    texts=("prompt", *ANSWERS),
    convert=convert,
)
