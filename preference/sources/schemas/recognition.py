"""Recognise the schema of a file by its columns, or say which one is nearest and what it lacks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from preference.runtime.errors import BadInput
from preference.runtime.terminal_text import one_line
from preference.sources.row_parser import KEYED_BY_CONTENT, MALFORMED, NotABattle, RawRow
from preference.sources.schemas.column_forms import find_plain_columns
from preference.sources.schemas.schema import Reading, Schema, is_blank
from preference.sources.schemas.table import ID_COLUMNS, KNOWN_COLUMNS, SCHEMAS

# The rows by which a file is judged. The limit of characters keeps them small beside a large file.
FIRST_ROWS = 100
FIRST_CHARACTERS = 2**25
LONGEST_HEADER = 200
# In JSON, each row may have columns of its own.
MOST_UNREAD = 1000

NumberedRow = tuple[int, RawRow]


class SchemaFinder:
    """Find the schema of one file, and convert its rows to the Kaggle schema.

    Args:
        path: the file, named in errors.
        labelled: whether labels are needed.
        schemas: those that the file may have.

    Attributes:
        unread: for each column that no schema reads, how many rows have it.
    """

    def __init__(self, path: Path, labelled: bool, schemas: Sequence[Schema] = SCHEMAS) -> None:
        self._path, self._labelled, self._schemas = path, labelled, schemas
        self._schema: Schema | None = None
        self._header: tuple[str, ...] = ()
        self.unread: Counter[str] = Counter()

    def columns_among(self, names: Sequence[str]) -> frozenset[str]:
        """Return the columns to read among those of the file.

        Raises:
            BadInput: no schema has such columns, or one that is read is there twice.
        """
        self._schema = self._find(names)
        repeated = sorted(name for name in self._schema.columns if list(names).count(name) > 1)
        if repeated:
            raise BadInput(
                f"{self._path} has columns twice: {', '.join(repeated)}. Remove one of each."
            )
        self._header = tuple(names)
        return self._schema.columns

    def convert(self, rows: Iterator[NumberedRow]) -> Iterator[NumberedRow]:
        """Yield the rows in the Kaggle schema; one that cannot be converted is malformed.

        Raises:
            BadInput: the rows are in no known schema.
        """
        first = _take_first(rows)
        schema = self._schema or self._find_by_rows([row for _, row in first])
        parsed = [row for _, row in first if MALFORMED not in row]
        plain = find_plain_columns(self._path, schema.texts, parsed)
        reading = self._describe(schema, parsed, plain)
        read = schema.columns | {MALFORMED}
        for line, row in chain(first, rows):
            if len(self.unread) < MOST_UNREAD:
                self.unread.update(name for name in self._header or row if name not in read)
            yield line, _convert_row(schema, row, reading)

    def _describe(self, schema: Schema, rows: Sequence[RawRow], plain: frozenset[str]) -> Reading:
        names = frozenset(self._header).union(*rows)
        self._check_spelling(names, schema)
        filled = {name for row in rows for name, value in row.items() if not is_blank(value)}
        return Reading(
            self._labelled,
            plain=plain,
            filled=frozenset(filled),
            unread=frozenset(filled.union(self._header) - schema.columns),
            has_ids=not names or not names.isdisjoint(schema.columns.intersection(ID_COLUMNS)),
        )

    def _find_by_rows(self, rows: Sequence[RawRow]) -> Schema:
        """Return the schema of most rows, because each object has its own keys."""
        keys = [tuple(row) for row in rows if MALFORMED not in row]
        counts = Counter(filter(None, map(self._match, keys)))
        if counts:
            return counts.most_common(1)[0][0]
        # Where no row can be read, or has all columns, as some writers leave out what is missing.
        columns = list(dict.fromkeys(chain.from_iterable(keys)))
        return self._find(columns) if keys else self._schemas[0]

    def _match(self, names: Sequence[str]) -> Schema | None:
        matches = (one for one in self._schemas if set(one.required(self._labelled)) <= set(names))
        return next(matches, None)

    def _find(self, names: Sequence[str]) -> Schema:
        schema = self._match(names)
        if schema is not None:
            return schema
        self._check_spelling(names, None)
        has_known = bool(set(names) & KNOWN_COLUMNS)
        nearest = self._schemas[0]
        if has_known:
            nearest = max(self._schemas, key=lambda schema: self._nearness(schema, names))
        lacking = [name for name in nearest.required(self._labelled) if name not in names]
        if set(lacking) == set(nearest.labels):
            raise BadInput(
                f"{self._path} lacks columns: {', '.join(lacking)}. Without them it has no labels: "
                "add which answer was preferred, in any of the forms of docs/data.md."
            )
        header = one_line(",".join(names), LONGEST_HEADER)
        found = f" Its columns are: {header}" if has_known else f" Its first line reads: {header}"
        raise BadInput(
            f"{self._path} lacks columns: {', '.join(lacking)}. Add or rename them: the nearest "
            f"schema is that of {nearest.name}, and docs/data.md has all.{found}"
        )

    def _check_spelling(self, names: Iterable[str], schema: Schema | None) -> None:
        """Refuse names that are those of columns but for case and spaces, as they are not read."""
        columns = KNOWN_COLUMNS if schema is None else schema.columns
        if schema is not None and not self._labelled:
            columns = columns.difference(schema.labels)
        found = {name: name.strip().lower() for name in names}
        wrong = [name for name, right in found.items() if name != right and right in columns]
        if missing := [name for name in wrong if found[name] not in found]:
            raise BadInput(
                f"{self._path} has the columns {', '.join(map(repr, missing))}. Write the names in "
                "small letters and without spaces, and no spaces before the quotes of a field."
            )

    def _nearness(self, schema: Schema, names: Sequence[str]) -> tuple[int, ...]:
        """Rank schemas by known and lacking columns, those without any that they need last."""
        required = set(schema.required(self._labelled))
        lacking = required.difference(names)
        return lacking < required, len(schema.columns.intersection(names)) - len(lacking)


def _take_first(rows: Iterator[NumberedRow]) -> list[NumberedRow]:
    first: list[NumberedRow] = []
    characters = 0
    for numbered in rows:
        first.append(numbered)
        characters += sum(len(value) for value in numbered[1].values() if isinstance(value, str))
        if len(first) == FIRST_ROWS or characters >= FIRST_CHARACTERS:
            break
    return first


def _convert_row(schema: Schema, row: RawRow, reading: Reading) -> RawRow:
    if MALFORMED not in row:
        try:
            return schema.convert(row, reading)
        except NotABattle as problem:
            row = {**row, MALFORMED: str(problem)}
    ids = [name for name in ID_COLUMNS if name in schema.columns]
    found = next((row[name] for name in ids if row.get(name) is not None), None)
    if found is not None:
        return {MALFORMED: row[MALFORMED], "id": found}
    return {MALFORMED: row[MALFORMED], **({} if reading.has_ids else {KEYED_BY_CONTENT: True})}
