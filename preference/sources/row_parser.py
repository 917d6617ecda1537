"""Parse a raw row in the Kaggle schema into a battle, or raise `NotABattle`.

A raw row is a mapping from column to value. Prompt and answers are lists of turns, as JSON text or
as native lists. A row that its reader could not parse has the reason under the key `MALFORMED`. A
row whose id does not identify the battle, or which has no id, is marked with `KEYED_BY_CONTENT`.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from preference.battles.predictions import SUM_TOLERANCE
from preference.battles.table import A_WINS, B_WINS, FIELDS, TIE
from preference.sources.ids import key_of_id, number_content

RawRow = Mapping[str, object]

WINNER_LABELS = {"winner_model_a": A_WINS, "winner_model_b": B_WINS, "winner_tie": TIE}
WEIGHT = "weight"
# Nobody means a weight outside this range. One that is far larger would make sums overflow.
SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-6, 1e6
UNLABELLED_COLUMNS = ("id", *FIELDS)
REQUIRED_COLUMNS = (*UNLABELLED_COLUMNS, *WINNER_LABELS)
# No column of a file has such a name.
MALFORMED = "\0malformed"
KEYED_BY_CONTENT = "\0keyed by content"
NOT_UTF8 = "not valid UTF-8"

BOOLEANS = {"false": 0.0, "true": 1.0}
# As `str` writes an integer, or with the `.0` that pandas adds. An int64 has at most 19 digits; a
# longer number stays text, because `int` refuses a text of thousands of digits.
INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,18})(\.0*)?")
# As Python, JSON and CSV files write a number that is not negative.
NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
# A sum may differ from 1 by a millionth more or less than its rounding.
SUM_DIGITS = 9
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NotABattle(ValueError):
    """A row that cannot be a battle. The message is a short, fixed reason that can be counted."""


class Battle(TypedDict):
    """A battle with the columns of `BATTLE_SCHEMA` and of soft labels, except `source`."""

    id: int
    source_id: str | None
    prompt: list[str]
    response_a: list[str]
    response_b: list[str]
    label: int
    shares: list[float]
    weight: float
    model_a: str | None
    model_b: str | None
    language: str | None
    subset: str | None


def parse_battle(row: RawRow) -> Battle:
    """Return the battle that a row describes.

    Prompt and answers are as `parse_conversations` returns them.

    Raises:
        NotABattle: the row is malformed, lacks a column, or has a value that cannot be used.
    """
    _check_columns(row, REQUIRED_COLUMNS)
    given, conversations = _given_id(row), parse_conversations(row)
    shares = _parse_shares(row)
    # Where two labels have the largest share, `index` returns the first of them.
    label = shares.index(max(shares))
    return {
        "id": _key_of(row, given, conversations, label),
        "source_id": None if given is None else str(given),
        "prompt": conversations["prompt"],
        "response_a": conversations["response_a"],
        "response_b": conversations["response_b"],
        "label": label,
        "shares": shares,
        "weight": _parse_weight(row),
        "model_a": _parse_name("model_a", row),
        "model_b": _parse_name("model_b", row),
        "language": _parse_name("language", row),
        "subset": _parse_name("subset", row),
    }


def parse_conversations(row: RawRow) -> dict[str, list[str]]:
    """Return the turns of prompt and answers of a row that may lack a label, by `FIELDS`.

    A null turn becomes an empty one and a lone surrogate becomes U+FFFD; text is otherwise
    unchanged. A field with fewer turns than the others is extended by empty turns where the
    additional turns of the others are empty as well.

    Raises:
        NotABattle: the row is malformed, lacks a column, or has an id, a prompt or an answer that
            cannot be used.
    """
    _check_columns(row, UNLABELLED_COLUMNS)
    _given_id(row)
    return _align({field: _parse_turns(field, row[field]) for field in FIELDS})


def _check_columns(row: RawRow, columns: Sequence[str]) -> None:
    if MALFORMED in row:
        raise NotABattle(row[MALFORMED])
    missing = [name for name in columns if name not in row]
    if "id" in missing and row.get(KEYED_BY_CONTENT):
        missing.remove("id")
    if missing:
        raise NotABattle(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def parse_id(value: object) -> int | str:
    """Return an id as an integer where it is one, and otherwise as the text that it is.

    Raises:
        NotABattle: the id is missing, or neither text nor a number.
    """
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, float | Decimal) and value == value:
        value = f"{value:f}" if isinstance(value, Decimal) else _float_text(value)
    if isinstance(value, str) and (integer := INTEGER.fullmatch(value)):
        value = int(integer[1])
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else _long_integer_text(value)
    if isinstance(value, str) and value.strip():
        return replace_lone_surrogates(value)
    if value is None or isinstance(value, str | float | Decimal):
        raise NotABattle("id is missing")
    raise NotABattle("id is not text or a number")


def _float_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _long_integer_text(value: int) -> str:
    try:
        return str(value)
    except ValueError as error:
        raise NotABattle("id has thousands of digits") from error


def _given_id(row: RawRow) -> int | str | None:
    """Return the id of a row, None where it has none and needs none."""
    if row.get("id") is None and row.get(KEYED_BY_CONTENT):
        return None
    return parse_id(row["id"])


def _key_of(
    row: RawRow, given: int | str | None, conversations: Mapping[str, list[str]], label: int
) -> int:
    if given is None or row.get(KEYED_BY_CONTENT):
        return number_content([*conversations.values(), [str(label)]])
    return key_of_id(given)


def _parse_turns(field: str, value: object) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list) or not all(map(_is_turn, value)):
        raise NotABattle(f"{field} is not a JSON list of strings")
    return [replace_lone_surrogates(turn or "") for turn in value]


def _is_turn(value: object) -> bool:
    return isinstance(value, str) or value is None


def _align(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    shortest, longest = (pick(map(len, fields.values())) for pick in (min, max))
    if longest == 0:
        raise NotABattle("no turns")
    if any(any(turns[shortest:]) for turns in fields.values()):
        raise NotABattle("unequal turns")
    return {name: turns + [""] * (longest - len(turns)) for name, turns in fields.items()}


def _parse_shares(row: RawRow) -> list[float]:
    """Return the shares of the labels, which sum to 1."""
    shares = [_parse_share(name, row[name]) for name in WINNER_LABELS]
    if not any(shares):
        raise NotABattle("no winner")
    if shares.count(1) > 1:
        raise NotABattle("two winners")
    total = math.fsum(shares)
    if round(abs(total - 1), SUM_DIGITS) > SUM_TOLERANCE:
        raise NotABattle(f"{', '.join(WINNER_LABELS)} do not sum to 1")
    return [share / total for share in shares]


def _parse_share(name: str, value: object) -> float:
    share = _parse_number(value)
    if share is None or share > 1:
        raise NotABattle(f"{name} is not a number from 0 to 1")
    return share


def _parse_weight(row: RawRow) -> float:
    """Return the weight of a battle, 1 where its file has no column of weights."""
    if WEIGHT not in row:
        return 1.0
    weight = _parse_number(row[WEIGHT])
    if weight is None or not SMALLEST_WEIGHT <= weight <= LARGEST_WEIGHT:
        raise NotABattle("weight is not a number from 0.000001 to 1,000,000")
    return weight


def _parse_number(value: object) -> float | None:
    """Return a number that is not negative; None for everything else."""
    if isinstance(value, str):
        if NUMBER.fullmatch(value):
            return float(value)
        return BOOLEANS.get(value.lower())
    if not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    # ValueError is raised for the signalling NaN of a decimal.
    except (OverflowError, ValueError):
        return None
    return number if number >= 0 else None


def _parse_name(name: str, row: RawRow) -> str | None:
    value = row.get(name)
    if isinstance(value, int):
        value = str(value)
    # pandas writes a missing text as NaN.
    if isinstance(value, float) and value != value:
        value = None
    if value is None:
        return None
    if not isinstance(value, str):
        raise NotABattle(f"{name} is not text")
    return replace_lone_surrogates(value) if value else None


def is_utf8(text: str) -> bool:
    """Return whether a text has no byte that is not valid UTF-8, read as a surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def replace_lone_surrogates(text: str) -> str:
    """Return the text with U+FFFD in the place of each surrogate, which UTF-8 cannot hold."""
    # `json.loads` has merged the pairs, so that every surrogate that is left is alone.
    return LONE_SURROGATE.sub("\ufffd", text)
