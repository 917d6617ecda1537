"""Predict the battles of a file in parts of bounded size.

Guarantees
1. Each row of the input gives one row of the output, in the same order, with the same id; where the
   input has no ids, it is the number of the row, counted from 1.
2. A row that cannot be read as a battle is predicted as the training prior and reported.
3. Memory does not grow with the rows. Rows with the same id are therefore not detected: each row is
   predicted independently of the others.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from preference.battles.table import BATTLES_A_BATCH
from preference.judge.judge import PreferenceJudge
from preference.judge.output_files import check_output, writing_probabilities
from preference.runtime.errors import BadInput
from preference.runtime.tensorflow_runtime import make_deterministic
from preference.runtime.terminal_text import LONGEST_TASK, one_line
from preference.sequences.packing import SIDES
from preference.sources.parts import list_parts
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import (
    KEYED_BY_CONTENT,
    NotABattle,
    RawRow,
    parse_conversations,
    parse_id,
)

MAX_REPORTED_ROWS = 10


class UnreadableRows:
    """Report the first unreadable rows one by one, and count all of them.

    Args:
        source: the file or folder that is read.
        strict: raise an error at the first such row.
    """

    def __init__(self, source: Path, strict: bool) -> None:
        self._source, self._strict = source, strict
        self._reasons: Counter[str] = Counter()

    def add(self, place: str, reason: str) -> None:
        """Report or count a row, which stands at `place`.

        Raises:
            BadInput: `strict` is set.
        """
        if self._strict:
            raise BadInput(f"{place}: {reason}. Fix the row.")
        if self._reasons.total() < MAX_REPORTED_ROWS:
            tqdm.write(one_line(f"{place}: {reason}"), file=sys.stderr)
        self._reasons[reason] += 1

    def summarize(self, rows: int) -> None:
        """Report the number of unreadable rows among all `rows`.

        Raises:
            BadInput: none of the rows could be read.
        """
        count = self._reasons.total()
        if not count:
            return
        reasons = ", ".join(
            f"{reason} ({count:,})" for reason, count in self._reasons.most_common()
        )
        summary = (
            f"{self._source}: {count:,} of {rows:,} rows cannot be read as battles: {reasons}."
        )
        if count == rows:
            raise BadInput(
                f"{summary} Nothing is written. Correct the rows: docs/data.md has all schemas."
            )
        summary = one_line(f"{summary} They get the shares of A, B and tie in train.")
        tqdm.write(summary, file=sys.stderr)


# Rows, each with its file and line.
PlacedRows = Sequence[tuple[str, RawRow]]


def predict_file(
    model: Path,
    source: Path,
    output: Path,
    both_orders: bool = False,
    strict: bool = False,
    named_by: str = "INPUT",
    replaces_link: bool = False,
) -> None:
    """Write the probabilities of each battle, showing progress on stderr.

    Args:
        model: a bundle, as a folder or a zip file.
        source: battles in any schema that can be trained on, with or without labels: a file, or a
            folder of files.
        output: a .csv, .parquet or .jsonl file.
        both_orders: average the predictions of both orders of the answers.
        strict: raise an error at the first row that cannot be read as a battle.
        named_by: where the user gave `source`, for errors.
        replaces_link: if `output` is a symbolic link, replace the link and leave its target
            unchanged, instead of refusing it.

    Raises:
        BadInput: a file cannot be used, or no row can be read as a battle; then nothing is written.
    """
    _check_paths(source, output, replaces_link)
    rows = _read_rows(source, named_by)
    # A wrong path is reported before the model is loaded, which takes seconds.
    first = next(rows)
    make_deterministic()
    judge = PreferenceJudge.load(model, both_orders)
    unreadable = UnreadableRows(source, strict)
    with (
        writing_probabilities(output) as write,
        tqdm(desc=one_line(f"predict {judge.name}", LONGEST_TASK), unit=" battles") as progress,
    ):
        for part in _parts(chain([first], rows)):
            write(*predict_rows(judge, part, unreadable, progress))
        unreadable.summarize(int(progress.n))
    tqdm.write(one_line(f"{output}: {progress.n:,} rows"), file=sys.stderr)


def predict_rows(
    judge: PreferenceJudge, rows: PlacedRows, unreadable: UnreadableRows, progress: tqdm
) -> tuple[list[int | str | None], np.ndarray]:
    """Predict some rows.

    Returns:
        The id of each row, None where it cannot be read, and probabilities, float64 [rows, 3].
    """
    ids: list[int | str | None] = []
    probabilities = np.tile(judge.prior, (len(rows), 1))
    battles: dict[int, dict[str, list[str]]] = {}
    begun = int(progress.n)
    for position, (place, row) in enumerate(rows):
        ids.append(_id_of(row, begun + position + 1))
        try:
            battles[position] = parse_conversations(row)
        except NotABattle as problem:
            unreadable.add(place, str(problem))
    if battles:
        advance = _counting_battles(progress)
        probabilities[list(battles)] = judge.predict(list(battles.values()), advance)
    progress.update(begun + len(rows) - progress.n)
    return ids, probabilities


def _counting_battles(progress: tqdm) -> Callable[[int], None]:
    """Return a function that takes a number of answers, and advances the bar by whole battles."""
    begun, answers = progress.n, 0

    def advance(read: int) -> None:
        nonlocal answers
        answers += read
        progress.update(begun + answers // len(SIDES) - progress.n)

    return advance


def _read_rows(source: Path, named_by: str) -> Iterator[tuple[str, RawRow]]:
    for part in list_parts(source, named_by) if source.is_dir() else [source]:
        for line, row in read_source_rows(part, labelled=False, named_by=named_by):
            yield f"{part}, line {line}", row


def _parts(rows: Iterator[tuple[str, RawRow]]) -> Iterator[PlacedRows]:
    while part := list(islice(rows, BATTLES_A_BATCH)):
        yield part


def _id_of(row: RawRow, number: int) -> int | str | None:
    if row.get("id") is None and row.get(KEYED_BY_CONTENT):
        return number
    try:
        return parse_id(row.get("id"))
    except NotABattle:
        return None


def _check_paths(source: Path, output: Path, replaces_link: bool) -> None:
    check_output(output, replaces_link)
    if output.exists() and source.exists() and output.samefile(source):
        raise BadInput(f"{output} is the file that is read. Give the predictions another name.")
