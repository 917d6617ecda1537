"""The Arena's own releases (33k, 100k, 140k), and MT-bench's human judgments.

Each side is a conversation: a list of messages, whose content is text or a list of parts. The id is
text, in the column `question_id`, or `id` in the newest release. In MT-bench, `question_id` is the
number of a question, on which there are many votes. A vote is on the first `turn` turns.
"""

from preference.sources.row_parser import KEYED_BY_CONTENT, NotABattle, RawRow
from preference.sources.schemas.labels import read_winner
from preference.sources.schemas.messages import Turns, read_messages, split_turns
from preference.sources.schemas.schema import (
    Reading,
    Schema,
    check_columns,
    is_missing,
    read_id,
    read_slices,
    read_whole_number,
)

CONVERSATIONS = ("conversation_a", "conversation_b")


def convert(row: RawRow, reading: Reading) -> RawRow:
    """Convert a row to the Kaggle schema.

    Raises:
        NotABattle: it lacks a column, or has a value that cannot be used.
    """
    check_columns(row, SCHEMA.required(reading.labelled))
    winner = read_winner(row["winner"]) if reading.labelled else {}
    prompts, response_a = _read_conversation("conversation_a", row)
    other_prompts, response_b = _read_conversation("conversation_b", row)
    if prompts != other_prompts:
        raise NotABattle("conversations with different prompts")
    return {
        **_read_id(row),
        "prompt": prompts,
        "response_a": response_a,
        "response_b": response_b,
        **winner,
        "model_a": row.get("model_a"),
        "model_b": row.get("model_b"),
        **read_slices(row),
    }


def _read_id(row: RawRow) -> dict[str, object]:
    found = read_id(row, "id", "question_id")
    is_question = row.get("id") is None and _is_number(row.get("question_id"))
    return {**found, KEYED_BY_CONTENT: True} if is_question else found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal())


def _read_conversation(name: str, row: RawRow) -> tuple[Turns, Turns]:
    prompts, answers = split_turns(name, read_messages(name, row[name]))
    if is_missing(row.get("turn")) or row["turn"] == "":
        return prompts, answers
    turns = read_whole_number(row["turn"])
    if turns is None or turns < 1:
        raise NotABattle("turn is not a number from 1")
    return prompts[:turns], answers[:turns]


SCHEMA = Schema(
    name="an Arena release or MT-bench",
    needed=CONVERSATIONS,
    labels=("winner",),
    optional=("id", "question_id", "model_a", "model_b", "turn", "language"),
    texts=CONVERSATIONS,
    convert=convert,
)
