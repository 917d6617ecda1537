"""Read a file of battles with labels, to check a judge on it.

Guarantees
1. Rows are read as the stage `fetch` reads them, in every schema, and grouped as `split` does.
2. Every row is in the battles or among the unreadable rows.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.battles.soft_labels import (
    read_labels,
    read_weights,
    to_shares,
    with_soft_labels,
)
from preference.battles.table import BATTLE_SCHEMA, TIE
from preference.runtime.errors import BadInput
from preference.sources.ingest import parse_battles
from preference.sources.parts import list_parts
from preference.sources.quarantine import QuarantinedRow, describe_unreadable
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource
from preference.splitting.leakage_groups import digest_battles, group_battles

NAMED_BY = "FILE"


@dataclass(frozen=True)
class Votes:
    """Battles with labels.

    Attributes:
        source: the file or folder.
        battles: a table in `BATTLE_SCHEMA`, with shares of labels and weights.
        groups: the group of each battle, int64 [n].
        unreadable: the rows that are not battles.
    """

    source: Path
    battles: pa.Table
    groups: np.ndarray
    unreadable: list[QuarantinedRow]

    @cached_property
    def labels(self) -> np.ndarray:
        """The labels, int8 [n], or their shares where some of them are soft, float64 [n, 3]."""
        return read_labels(self.battles)

    @cached_property
    def weights(self) -> np.ndarray | None:
        """The weights of the battles, float64 [n]; None where all are 1."""
        weights = read_weights(self.battles)
        return None if weights is None or np.all(weights == 1) else weights

    @property
    def has_ties(self) -> bool:
        """Whether a tie has a share of any vote."""
        return bool(to_shares(self.labels)[:, TIE].any())


def read_votes(source: Path) -> Votes:
    """Read a file or a folder of files, showing progress on stderr.

    Raises:
        BadInput: a file cannot be used or has no labels, or no row is a battle.
    """
    parts = list_parts(source, named_by=NAMED_BY)
    rows = {part.as_posix(): read_source_rows(part, named_by=NAMED_BY) for part in parts}
    unreadable: list[QuarantinedRow] = []
    named = BattleSource(source.as_posix(), rows)
    batches = list(parse_battles([named], with_soft_labels(BATTLE_SCHEMA), unreadable))
    if not batches:
        raise BadInput(
            f"{describe_unreadable(unreadable, 0, str(source))} Correct the rows: docs/data.md has "
            "all schemas."
        )
    battles = pa.Table.from_batches(batches)
    return Votes(source, battles, group_battles(digest_battles(batches)), unreadable)
