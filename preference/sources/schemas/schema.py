"""What a schema is: its columns, and how a row of it becomes a row in the Kaggle schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from preference.sources.row_parser import KEYED_BY_CONTENT, NotABattle, RawRow

WHOLE_NUMBER = re.compile(r"([0-9]{1,18})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """How the rows of one file are read.

    Attributes:
        labelled: whether the rows have labels that are to be read. Without them, A is the answer
            that the schema names first.
        plain: the columns that hold plain text, and no JSON lists.
        filled: the columns that are not blank in every row.
        unread: the columns of the file that the schema does not read.
        has_ids: whether the file has a column of ids.
    """

    labelled: bool
    plain: frozenset[str] = field(default_factory=frozenset)
    filled: frozenset[str] = field(default_factory=frozenset)
    unread: frozenset[str] = field(default_factory=frozenset)
    has_ids: bool = True


@dataclass(frozen=True)
class Schema:
    """A schema, recognised by its columns.

    Attributes:
        name: as errors name it.
        needed: columns that every file of it has.
        labels: further columns that a file with labels has.
        optional: further columns that are read.
        texts: columns that hold lists as JSON, lists, or plain text where the whole column does.
        convert: returns a row in the Kaggle schema, whose labels are missing where the reading is
            without labels; raises `NotABattle`.
    """

    name: str
    needed: tuple[str, ...]
    labels: tuple[str, ...]
    optional: tuple[str, ...]
    texts: tuple[str, ...]
    convert: Callable[[RawRow, Reading], RawRow]

    @property
    def columns(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset((*self.needed, *self.labels, *self.optional))

    def required(self, labelled: bool) -> tuple[str, ...]:
        """Return the columns that a file with or without labels must have."""
        return (*self.needed, *self.labels) if labelled else self.needed


def check_columns(row: RawRow, columns: tuple[str, ...]) -> None:
    """Raise `NotABattle` that names all columns that a row lacks."""
    missing = [name for name in columns if name not in row]
    if missing:
        raise NotABattle(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def read_id(row: RawRow, *columns: str) -> dict[str, object]:
    """Return the id in the first of `columns` that has one; a row without them needs none."""
    values = [row[name] for name in columns if name in row]
    if not values:
        return {KEYED_BY_CONTENT: True}
    return {"id": next((value for value in values if value is not None), None)}


def read_text(name: str, value: object) -> str:
    """Return a text, empty where it is null, or NaN as pandas writes it.

    Raises:
        NotABattle: the value is neither text nor a number.
    """
    # Writers of JSON may turn an answer of digits alone into a number.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if is_missing(value):
        return ""
    if not isinstance(value, str):
        raise NotABattle(f"{name} is not text")
    return value


def read_whole_number(value: object) -> int | None:
    """Return a whole number, also as text and with the `.0` of pandas; None for all else."""
    if isinstance(value, str) and (number := WHOLE_NUMBER.fullmatch(value)):
        return int(number[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_missing(value: object) -> bool:
    """Return whether a value is null, or NaN as pandas writes it."""
    return value is None or (isinstance(value, float) and value != value)


def is_blank(value: object) -> bool:
    """Return whether a value is missing, an empty list or text without a word, as CSV has null."""
    if isinstance(value, str):
        return not value.strip()
    return value == [] or is_missing(value)


def read_slices(row: RawRow) -> dict[str, str]:
    """Return the columns that are kept for slices, where they are text."""
    found = ((name, row.get(name)) for name in ("language", "subset"))
    return {name: value for name, value in found if isinstance(value, str)}
