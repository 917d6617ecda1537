"""Convert rows of the Arena's own releases (33k, 100k, 140k) to the Kaggle schema.

In a release, each side is a conversation: a list of messages with a `role` and `content`, which is
text or a list of parts. The id is text, in the column `question_id`, or `id` in the newest release.
`winner` is one text. A tie in which both answers are bad is a tie, as in the Kaggle data.
"""

import json

from preference.sources.row_parser import MALFORMED, NotABattle, RawRow

CONVERSATIONS = ("conversation_a", "conversation_b")
ID_COLUMNS = ("id", "question_id")
RELEASE_COLUMNS = (*CONVERSATIONS, "winner")
WINNERS = {
    "model_a": "winner_model_a",
    "model_b": "winner_model_b",
    "tie": "winner_tie",
    "tie (bothbad)": "winner_tie",
    "both_bad": "winner_tie",
}


def to_kaggle_row(row: RawRow) -> RawRow:
    """Convert a row of a release; a row in any other schema is returned unchanged.

    Raises:
        NotABattle: a row of a release lacks a column, or has a value that cannot be used.
    """
    if MALFORMED in row or not any(name in row for name in CONVERSATIONS):
        return row
    for name in RELEASE_COLUMNS:
        if name not in row:
            raise NotABattle(f"{name} is missing")
    prompts, response_a = _read_conversation("conversation_a", row)
    other_prompts, response_b = _read_conversation("conversation_b", row)
    if prompts != other_prompts:
        raise NotABattle("conversations with different prompts")
    return {
        "id": _read_id(row),
        "prompt": prompts,
        "response_a": response_a,
        "response_b": response_b,
        **_read_winner(row["winner"]),
        "model_a": row.get("model_a"),
        "model_b": row.get("model_b"),
    }


def _read_id(row: RawRow) -> object:
    return next((row[name] for name in ID_COLUMNS if row.get(name) is not None), None)


def _read_winner(value: object) -> dict[str, int]:
    winner = WINNERS.get(value) if isinstance(value, str) else None
    if winner is None:
        raise NotABattle("winner is not a known one")
    return {name: int(name == winner) for name in WINNERS.values()}


def _read_conversation(name: str, row: RawRow) -> tuple[list[str | None], list[str | None]]:
    """Return the prompts and the answers, one item for each turn."""
    messages = row[name]
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except (ValueError, RecursionError):
            messages = None
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise NotABattle(f"{name} is not a JSON list of messages")
    roles = [message.get("role") for message in messages]
    if roles != ["user", "assistant"] * (len(messages) // 2):
        raise NotABattle(f"{name} is not user and assistant by turns")
    texts = [_read_content(name, message.get("content")) for message in messages]
    return texts[::2], texts[1::2]


def _read_content(name: str, content: object) -> str | None:
    if isinstance(content, str | None):
        return content
    if not isinstance(content, list) or not all(map(_is_text_part, content)):
        raise NotABattle(f"{name} holds more than text")
    return "\n".join(part["text"] or "" for part in content)


def _is_text_part(part: object) -> bool:
    return (
        isinstance(part, dict)
        and part.get("type") == "text"
        and isinstance(part.get("text"), str | None)
        and not part.get("image")
    )
