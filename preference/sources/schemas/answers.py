"""Prompt and two answers in columns of their own: Kaggle, the WSDM Cup, and people's own votes.

Each field is a list of turns, as JSON text or a list, or one turn as plain text where the whole
column is plain.
"""

from preference.battles.table import FIELDS
from preference.sources.row_parser import (
    REQUIRED_COLUMNS,
    UNLABELLED_COLUMNS,
    WEIGHT,
    WINNER_LABELS,
    NotABattle,
    RawRow,
)
from preference.sources.schemas.column_forms import is_json_list
from preference.sources.schemas.labels import read_winner
from preference.sources.schemas.schema import (
    Reading,
    Schema,
    check_columns,
    read_id,
    read_slices,
    read_text,
)

MODELS = ("model_a", "model_b")


def convert_kaggle(row: RawRow, reading: Reading) -> RawRow:
    """Return the columns of the Kaggle schema, with plain text as one turn.

    Raises:
        NotABattle: it lacks a column, or has a value that cannot be used.
    """
    check_columns(row, KAGGLE.required(reading.labelled))
    labelled = (*REQUIRED_COLUMNS, *MODELS, WEIGHT)
    columns = labelled if reading.labelled else (*UNLABELLED_COLUMNS, *MODELS)
    known = {name: row[name] for name in columns if name in row}
    return {**known, **read_plain_turns(row, reading)}


def convert_named_winner(row: RawRow, reading: Reading) -> RawRow:
    """Convert a row whose winner is named in one column.

    Raises:
        NotABattle: it lacks a column, or has a value that cannot be used.
    """
    check_columns(row, NAMED_WINNER.required(reading.labelled))
    return {
        **read_id(row, "id"),
        **{name: row[name] for name in (*FIELDS, *MODELS) if name in row},
        **read_plain_turns(row, reading),
        **(read_winner(row["winner"]) if reading.labelled else {}),
        **read_slices(row),
    }


def read_plain_turns(row: RawRow, reading: Reading) -> dict[str, list[str]]:
    """Return the fields that are plain text, as lists of one turn.

    Raises:
        NotABattle: one of them is not text, or lists are beside text.
    """
    plain = [name for name in FIELDS if name in reading.plain]
    if not plain:
        return {}
    lists = [name for name in FIELDS if isinstance(row[name], list) or is_json_list(row[name])]
    if len(lists) == len(FIELDS):
        if len(plain) == len(FIELDS):
            raise NotABattle("lists of turns in a file of plain text")
        # The file has lists, and most of a column is damaged.
        return {}
    if "prompt" in plain and any(is_json_list(row[name]) for name in FIELDS if name not in plain):
        raise NotABattle("prompt is text, and the answers are lists in JSON")
    return {name: [read_text(name, row[name])] for name in plain}


KAGGLE = Schema(
    name="Kaggle's competition",
    needed=UNLABELLED_COLUMNS,
    labels=tuple(WINNER_LABELS),
    optional=(*MODELS, WEIGHT),
    texts=FIELDS,
    convert=convert_kaggle,
)
NAMED_WINNER = Schema(
    name="two answers and a winner",
    needed=FIELDS,
    labels=("winner",),
    optional=("id", *MODELS, "language", "subset"),
    texts=FIELDS,
    convert=convert_named_winner,
)
