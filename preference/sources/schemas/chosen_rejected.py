"""Preferred and rejected answers: TRL's four forms, HH-RLHF's transcripts, and RewardBench.

The answers are text or lists of messages. The prompt is in a column of its own, or what both begin
with. Which answer is A is decided by `sides`; to predict without labels, `chosen` is A.
"""

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
    is_missing,
    read_id,
    read_slices,
)
from preference.sources.schemas.sides import is_chosen_first
from preference.sources.schemas.transcripts import (
    is_marked_transcript,
    is_open_transcript,
    is_transcript,
    read_transcript,
    split_prefix,
)

ANSWERS = ("chosen", "rejected")
# Where files without `prompt` have it. Without it, the answers' common beginning would be taken.
QUESTIONS = (
    *("question", "instruction", "query", "input", "context", "trajectory"),
    *("messages", "conversation", "conversations"),
)
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
    is_text = [_is_text(name, row, reading) for name in ANSWERS]
    if all(is_text):
        return _read_texts(row, reading)
    if any(is_text):
        raise NotABattle("chosen and rejected are not both text or both messages")
    prompt = _read_prompt(row, reading)
    chosen, rejected = (_read_answer(name, prompt, row) for name in ANSWERS)
    return chosen, rejected


def _is_text(name: str, row: RawRow, reading: Reading) -> bool:
    """Return whether a value is text, and not messages or a list as JSON, as CSV has them."""
    value = row[name]
    if not isinstance(value, str) or is_json_messages(value):
        return False
    return name in reading.plain or not is_json_list(value)


def _read_prompt(row: RawRow, reading: Reading) -> list[Message]:
    """Return the prompt's messages; none where it is empty, as null is in CSV."""
    value = row.get("prompt")
    if is_missing(value) or value == [] or (isinstance(value, str) and not value.strip()):
        return []
    if _is_text("prompt", row, reading):
        return [(USER, str(value))]
    return read_messages("prompt", value)


def _read_answer(name: str, prompt: list[Message], row: RawRow) -> Conversation:
    messages = read_messages(name, row[name])
    if all(role == ASSISTANT for role, _ in messages):
        return split_turns(name, [*prompt, *messages])
    # The answer is a whole conversation, which must have the prompt.
    missing = [message for message in prompt if not _is_said(message, messages)]
    if any(role != SYSTEM for role, _ in missing):
        raise NotABattle(f"{name} is a conversation without the prompt (remove it if it is none)")
    return split_turns(name, [*missing, *messages])


def _is_said(message: Message, messages: list[Message]) -> bool:
    """Return whether the text of a message is in another's, or another's in it.

    Spaces do not count: one of two copies is often stripped. A prompt as text may be the template
    of a chat, and a system message a part of the user's.
    """
    text = _normalize(message)
    said = [_normalize(one) for one in messages if one[0] != ASSISTANT or one[0] == message[0]]
    return any(text in one or (one and one in text) for one in said)


def _normalize(message: Message) -> str:
    return " ".join(message[1].split())


def _read_texts(row: RawRow, reading: Reading) -> tuple[Conversation, Conversation]:
    chosen, rejected = (str(row[name]) for name in ANSWERS)
    has_prompt = not is_missing(row.get("prompt"))
    # An answer to a prompt may be a dialogue that somebody asked for.
    is_whole = is_marked_transcript if has_prompt else is_transcript
    if all(map(is_whole, (chosen, rejected))):
        return read_transcript("chosen", chosen), read_transcript("rejected", rejected)
    if not has_prompt and "prompt" not in reading.filled:
        for name in QUESTIONS:
            if name in reading.unread:
                raise NotABattle(f"prompt is missing (rename {name}, or remove it if it is none)")
        prompt, chosen, rejected = split_prefix(chosen, rejected)
        if not prompt.strip():
            raise NotABattle("there is no prompt, and chosen and rejected begin differently")
        return ([prompt], [chosen]), ([prompt], [rejected])
    if not has_prompt:
        return ([""], [chosen]), ([""], [rejected])
    if not _is_text("prompt", row, reading):
        messages = read_messages("prompt", row["prompt"])
        ends = ([*messages, (ASSISTANT, answer)] for answer in (chosen, rejected))
        first, second = (split_turns("prompt", one) for one in ends)
        return first, second
    prompt = str(row["prompt"])
    if is_marked_transcript(prompt) or is_open_transcript(prompt):
        first, second = (
            read_transcript(name, f"{prompt}{answer}")
            for name, answer in zip(ANSWERS, (chosen, rejected), strict=True)
        )
        return first, second
    return ([prompt], [chosen]), ([prompt], [rejected])


SCHEMA = Schema(
    name="chosen and rejected answers",
    needed=ANSWERS,
    labels=(),
    optional=("id", "prompt", "chosen_model", "rejected_model", "subset", "language"),
    texts=("prompt", *ANSWERS),
    convert=convert,
)
