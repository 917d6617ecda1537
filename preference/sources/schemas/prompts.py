"""A file of prompts alone, which is read only where answers are not needed."""

from preference.battles.table import FIELDS
from preference.sources.row_parser import KEYED_BY_CONTENT, RawRow
from preference.sources.schemas.schema import Reading, Schema, check_columns, read_text


def convert(row: RawRow, reading: Reading) -> RawRow:
    """Return a row in the Kaggle schema whose answers are missing.

    Raises:
        NotABattle: it lacks the prompt, or that is not text.
    """
    check_columns(row, SCHEMA.needed)
    prompt = row["prompt"]
    turns = [read_text("prompt", prompt)] if "prompt" in reading.plain else prompt
    return {KEYED_BY_CONTENT: True, **dict.fromkeys(FIELDS, turns)}


SCHEMA = Schema(
    name="prompts alone",
    needed=("prompt",),
    labels=(),
    optional=(),
    texts=("prompt",),
    convert=convert,
)
