"""Read the prompts that pretrained weights may have seen (`evaluation.known_prompts`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from preference.battles.text_digests import digest_prompts
from preference.sources.readers import read_source_rows
from preference.sources.row_parser import NotABattle, RawRow, parse_conversations
from preference.sources.schemas.table import SCHEMAS_WITH_PROMPTS

BATCH_ROWS = 8192


@dataclass(frozen=True)
class KnownPrompts:
    """Digests of prompts and of their first turns, and the rows that could not be read.

    `unreadable` has one sentence for each file with such rows.
    """

    digests: frozenset[bytes]
    unreadable: Sequence[str]


def read_known_prompts(files: Sequence[str]) -> KnownPrompts:
    """Read the prompts of files with battles of any schema, or with a column `prompt` alone.

    Raises:
        BadInput: a file is missing or damaged, or has the columns of no schema.
    """
    digests: set[bytes] = set()
    unreadable: list[str] = []
    for name in files:
        prompts = _read_prompts(name, unreadable)
        while batch := list(islice(prompts, BATCH_ROWS)):
            for texts in digest_prompts(pa.array(batch, pa.list_(pa.string()))):
                digests.update(texts.to_pylist())
    return KnownPrompts(frozenset(digests), unreadable)


def check_known_prompts(files: Sequence[str]) -> None:
    """Read the first row of each file, so that what is no source is found before any training.

    Raises:
        BadInput: as `read_known_prompts` does, if the first rows show it.
    """
    for name in files:
        next(_open_rows(name), None)


def _read_prompts(name: str, unreadable: list[str]) -> Iterator[list[str]]:
    problems = []
    for line, row in tqdm(_open_rows(name), desc=f"read {name}", unit=" rows"):
        try:
            yield parse_conversations(row)["prompt"]
        except NotABattle as problem:
            problems.append(f"the first at line {line}: {problem}")
    if problems:
        unreadable.append(
            f"{len(problems):,} rows of {name} could not be read ({problems[0]}): whether their "
            "prompts are in test is unknown. Correct or remove them."
        )


def _open_rows(name: str) -> Iterator[tuple[int, RawRow]]:
    return read_source_rows(Path(name), labelled=False, schemas=SCHEMAS_WITH_PROMPTS)
