"""The texts on which a tokenizer is trained: all texts of train, or a sample of its battles.

Guarantees
1. No text of another split is used.
2. The same battles and split give the same texts in the same order, whatever the order of the rows.
3. If the texts of train have at most `MOST_CHARACTERS`, all are used. Otherwise the sample holds
   evenly spaced battles in the order of their ids, with about `MOST_CHARACTERS`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from preference.battles.splits import read_members
from preference.battles.table import FIELDS, scan_battles
from preference.runtime.errors import BadInput

# SentencePiece needs about 5 seconds per million characters of real battles.
MOST_CHARACTERS = 10_000_000


def read_training_texts(battles: Path, split: Path, fold: int | None = None) -> Iterator[str]:
    """Yield the turns of the battles of a split, or of its fold: all prompts first, then answers.

    Raises:
        BadInput: a file is missing, or the split names a battle that the table lacks.
    """
    members = read_members(split, fold)["id"].to_numpy()
    characters = count_characters(battles, split, members)
    chosen = members[evenly_spaced(len(members), MOST_CHARACTERS / max(characters, 1))]
    sample = pa.Table.from_batches(_scan_members(battles, chosen, "sample")).sort_by("id")
    for field in FIELDS:
        yield from (text.as_py() for text in pc.list_flatten(sample[field]))


def count_characters(battles: Path, split: Path, members: np.ndarray) -> int:
    """Count the characters of all texts of the battles whose ids are `members`.

    Raises:
        BadInput: a battle is missing.
    """
    found = characters = 0
    for batch in _scan_members(battles, members, "measure"):
        found += len(batch)
        for field in FIELDS:
            characters += pc.sum(pc.utf8_length(batch[field].flatten())).as_py() or 0
    if found < len(members):
        raise BadInput(
            f"{split}: {len(members) - found} of its ids are not in {battles}. "
            "Run `dvc repro split`."
        )
    return characters


def evenly_spaced(count: int, fraction: float) -> np.ndarray:
    """Return evenly spaced positions below `count`: about this fraction, and at least one."""
    chosen = min(max(int(count * fraction), 1), count)
    return np.arange(chosen) * count // chosen


def _scan_members(battles: Path, members: np.ndarray, task: str) -> Iterator[pa.RecordBatch]:
    index = pd.Index(members)
    for batch in scan_battles(battles, ["id", *FIELDS], task):
        yield batch.filter(pa.array(index.get_indexer(batch["id"]) >= 0))
