"""Preferred and rejected answers: TRL's four forms, HH-RLHF's transcripts, and RewardBench.

The answers are text or lists of messages. The prompt is in a column of its own, or what both begin
with. Which answer is A is decided by `sides`; to predict without labels, `chosen` is A.
"""

from preference.battles.table import A_WINS, B_WINS
from preference.sources.row_parser import KEYED_BY_CONTENT, NotABattle, RawRow
from preference.sources.schemas.column_forms import is_json_list
from preference.sources.schemas.labels import flags_of
from preference.sources.schemas.messages import (
    ASSISTANT,
    USER,
    Message,
    Turns,
    read_messages,
    split_turns,
)
from preference.sources.schemas.schema import Reading, Schema, check_columns, read_id, read_slices
from preference.sources.schemas.sides import is_chosen_first
from preference.sources.schemas.transcripts import is_transcript, read_transcript, split_prefix

ANSWERS = ("chosen", "rejected")
Conversation = tuple[Turns, Turns]


def convert(row: RawRow, reading: Reading) -> RawRow:
    """Convert a row to the Kaggle schema.

    Raises:
        NotABattle: it lacks a column, or has a value that cannot be used.
    """
    check_columns(row, ANSWERS)
    (prompt, chosen), (other, rejected) = _read_conversations(row)
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


def _read_conversations(row: RawRow) -> tuple[Conversation, Conversation]:
    is_text = [_is_text(row[name]) for name in ANSWERS]
    if all(is_text):
        return _read_texts(row)
    if any(is_text):
        raise NotABattle("chosen and rejected are not both text or both messages")
    prompt = _read_prompt(row)
    chosen, rejected = (_read_answer(name, prompt, row) for name in ANSWERS)
    return chosen, rejected


def _is_text(value: object) -> bool:
    """Return whether a value is text, and not messages as JSON, as CSV has them."""
    return isinstance(value, str) and not is_json_list(value, of=dict)


def _read_prompt(row: RawRow) -> list[Message]:
    value = row.get("prompt")
    if value is None:
        return []
    if _is_text(value):
        return [(USER, str(value))]
    return read_messages("prompt", value)


def _read_answer(name: str, prompt: list[Message], row: RawRow) -> Conversation:
    messages = read_messages(name, row[name])
    # The answer may be a whole conversation, which begins with the prompt.
    is_answer_alone = all(role == ASSISTANT for role, _ in messages)
    return split_turns(name, [*prompt, *messages] if is_answer_alone else messages)


def _read_texts(row: RawRow) -> tuple[Conversation, Conversation]:
    chosen, rejected = (str(row[name]) for name in ANSWERS)
    if all(map(is_transcript, (chosen, rejected))):
        return read_transcript("chosen", chosen), read_transcript("rejected", rejected)
    prompt = row.get("prompt")
    if prompt is None:
        prompt, chosen, rejected = split_prefix(chosen, rejected)
    elif not _is_text(prompt):
        messages = read_messages("prompt", prompt)
        ends = ([*messages, (ASSISTANT, answer)] for answer in (chosen, rejected))
        first, second = (split_turns("prompt", one) for one in ends)
        return first, second
    elif is_transcript(str(prompt)):
        first, second = (
            read_transcript(name, f"{prompt}{answer}")
            for name, answer in zip(ANSWERS, (chosen, rejected), strict=True)
        )
        return first, second
    return ([str(prompt)], [chosen]), ([str(prompt)], [rejected])


SCHEMA = Schema(
    name="chosen and rejected answers",
    needed=ANSWERS,
    labels=(),
    optional=("id", "prompt", "chosen_model", "rejected_model", "subset", "language"),
    texts=("prompt", *ANSWERS),
    convert=convert,
)
