"""Predict the battles of a file in blocks of bounded size.

Guarantees
1. Each row of the input gives one row of the output, in the same order, with the same id; where the
   input has no ids, it is the number of the row, counted from 1.
2. A row that cannot be read as a battle is predicted as the training prior and reported.
3. Memory does not grow with the rows. Rows with the same id are therefore not detected: each row is
   predicted independently of the others.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from preference.battles.table import BATTLES_A_BATCH
from preference.judge.judge import PreferenceJudge
from preference.judge.output_files import check_output, writing_probabilities
from preference.judge.shard import WHOLE, Shard
from preference.judge.unreadable_rows import UnreadableRows
from preference.runtime.output_path import check_is_not_read
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

# Rows, each with its file and line.
PlacedRows = Sequence[tuple[str, RawRow]]
# The id of each row, None where it cannot be read, and probabilities, float64 [rows, 3].
PredictedRows = tuple[list[int | str | None], np.ndarray]


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
    check_paths(source, output, replaces_link)
    predictor = FilePredictor(model, source, both_orders, strict, named_by)
    with writing_probabilities(output) as write:
        for ids, probabilities in predictor.predict():
            write(ids, probabilities)
        predictor.unreadable.summarize(predictor.rows_read)
    tqdm.write(one_line(f"{output}: {predictor.rows_read:,} rows"), file=sys.stderr)


class FilePredictor:
    """A loaded model, and the rows of a file that it predicts in blocks.

    Args:
        model: a bundle, as a folder or a zip file.
        source: as for `predict_file`.
        both_orders: as for `predict_file`.
        strict: as for `predict_file`.
        named_by: as for `predict_file`.

    Attributes:
        judge: the loaded model.
        unreadable: the rows so far that were predicted as the prior.
        rows_read: the number of rows so far, those of other shards among them.

    Raises:
        BadInput: the model or the file cannot be used.
    """

    def __init__(
        self, model: Path, source: Path, both_orders: bool, strict: bool, named_by: str
    ) -> None:
        rows = _read_rows(source, named_by)
        # A wrong path is reported before the model is loaded, which takes seconds.
        self._rows = chain([next(rows)], rows)
        make_deterministic()
        self.judge = PreferenceJudge.load(model, both_orders)
        self.unreadable = UnreadableRows(source, strict)
        self.rows_read = 0

    def predict(self, shard: Shard = WHOLE) -> Iterator[PredictedRows]:
        """Read all rows, and yield the predictions of each block that is of a shard."""
        task = one_line(f"predict {self.judge.name}", LONGEST_TASK)
        with tqdm(desc=task, unit=" battles") as progress:
            for number, block in enumerate(_blocks(self._rows)):
                if shard.has(number):
                    yield self._predict_rows(block, progress)
                self.rows_read += len(block)

    def _predict_rows(self, rows: PlacedRows, progress: tqdm) -> PredictedRows:
        ids: list[int | str | None] = []
        probabilities = np.tile(self.judge.prior, (len(rows), 1))
        battles: dict[int, dict[str, list[str]]] = {}
        begun = int(progress.n)
        for position, (place, row) in enumerate(rows):
            ids.append(_id_of(row, self.rows_read + position + 1))
            try:
                battles[position] = parse_conversations(row)
            except NotABattle as problem:
                self.unreadable.add(place, str(problem))
        if battles:
            advance = _counting_battles(progress)
            probabilities[list(battles)] = self.judge.predict(list(battles.values()), advance)
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
    for part in list_parts(source, labelled=False, named_by=named_by):
        for line, row in read_source_rows(part, labelled=False, named_by=named_by):
            yield f"{part}, line {line}", row


def _blocks(rows: Iterator[tuple[str, RawRow]]) -> Iterator[PlacedRows]:
    while block := list(islice(rows, BATTLES_A_BATCH)):
        yield block


def _id_of(row: RawRow, number: int) -> int | str | None:
    if row.get("id") is None and row.get(KEYED_BY_CONTENT):
        return number
    try:
        return parse_id(row.get("id"))
    except NotABattle:
        return None


def check_paths(source: Path, output: Path, replaces_link: bool = False) -> None:
    """Check that the output can be written, and changes nothing of the battles.

    Raises:
        BadInput: it cannot, or does.
    """
    check_output(output, replaces_link)
    check_is_not_read(output, source)
