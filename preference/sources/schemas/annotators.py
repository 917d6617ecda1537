"""PandaLM's test set: an instruction with an input, two responses, and the labels of annotators.

A label is 1 where the first response is better, 2 where the second is, and 0 for a tie. The label
of the battle is that of most annotators.
"""

from collections import Counter

from preference.battles.table import A_WINS, B_WINS, TIE
from preference.sources.row_parser import NotABattle, RawRow
from preference.sources.schemas.labels import flags_of
from preference.sources.schemas.schema import (
    Reading,
    Schema,
    check_columns,
    is_missing,
    read_id,
    read_text,
    read_whole_number,
)

ANNOTATORS = ("annotator1", "annotator2", "annotator3")
LABELS = {"0": TIE, "1": A_WINS, "2": B_WINS}


def convert(row: RawRow, reading: Reading) -> RawRow:
    """Convert a row to the Kaggle schema.

    Raises:
        NotABattle: it lacks a column, has a value that cannot be used, or no label has a majority.
    """
    check_columns(row, SCHEMA.required(reading.labelled))
    models = str(row.get("cmp_key") or "").split("_")
    return {
        **read_id(row, "id", "idx"),
        "prompt": [_read_prompt(row)],
        "response_a": [read_text("response1", row["response1"])],
        "response_b": [read_text("response2", row["response2"])],
        **(flags_of(_read_label(row)) if reading.labelled else {}),
        # A name may have the character that is between the two.
        "model_a": models[0] if len(models) == 2 else None,
        "model_b": models[1] if len(models) == 2 else None,
    }


def _read_prompt(row: RawRow) -> str:
    instruction = read_text("instruction", row["instruction"])
    given = read_text("input", row.get("input"))
    return f"{instruction}\n\n{given}" if given.strip() else instruction


def _read_label(row: RawRow) -> int:
    given = [row[name] for name in ANNOTATORS if not is_missing(row.get(name))]
    votes = [str(read_whole_number(vote)) for vote in given]
    if not set(votes) <= set(LABELS):
        raise NotABattle("a label of an annotator is not 0, 1 or 2")
    (label, count), *_ = Counter(votes).most_common() or [("", 0)]
    if 2 * count <= len(votes):
        raise NotABattle("no label has the majority of annotators")
    return LABELS[label]


SCHEMA = Schema(
    name="PandaLM",
    needed=("instruction", "response1", "response2"),
    labels=ANNOTATORS[:1],
    optional=("id", "idx", "input", "cmp_key", *ANNOTATORS[1:]),
    texts=(),
    convert=convert,
)
