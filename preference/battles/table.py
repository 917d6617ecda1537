"""The battles table, which every later stage reads: one row for each battle.

`prompt`, `response_a` and `response_b` are lists of turns of equal length. `model_a` and `model_b`
are never features. `source` is the value of `data.source`, the file in it where that is a folder,
or the file in `data.extra`. `id` is a 64-bit key of the battle, which all other tables use;
`source_id` is the id as the source has it, null where it has none. `language` and `subset` are
columns of some sources, kept for slices. Only simulated data has the `oracle` columns, and only
`evaluate` reads them: `oracle` is the true probability of each label, and `oracle_agreement` the
part of the true utility difference (A minus B) that comes from the agreement of prompt and answer.
Only where some battle needs them, there are the columns of `preference.battles.soft_labels`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike
from tqdm import tqdm

from preference.runtime.errors import BadInput, check_exists

BATTLES = Path("data/battles.parquet")
LABELS = ("A", "B", "tie")
A_WINS, B_WINS, TIE = range(3)
CODES = {A_WINS, B_WINS, TIE}
FIELDS = ("prompt", "response_a", "response_b")
BATTLES_A_BATCH = 2048

TURNS = pa.list_(pa.string())
BATTLE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("prompt", TURNS, nullable=False),
        pa.field("response_a", TURNS, nullable=False),
        pa.field("response_b", TURNS, nullable=False),
        pa.field("label", pa.int8(), nullable=False),
        pa.field("model_a", pa.string()),
        pa.field("model_b", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string()),
        pa.field("language", pa.string()),
        pa.field("subset", pa.string()),
    ]
)
SIMULATED_SCHEMA = BATTLE_SCHEMA.append(
    pa.field("oracle", pa.list_(pa.float64(), 3), nullable=False)
).append(pa.field("oracle_agreement", pa.float64(), nullable=False))


def read_battles(path: Path, columns: Sequence[str], ids: np.ndarray | None = None) -> pa.Table:
    """Read only the named columns, so that a stage cannot use others by mistake.

    Args:
        path: the table.
        columns: columns to read; `id` is among them where `ids` are given.
        ids: of the battles to read, int64 [n]; None for all. The order stays that of the file, and
            memory grows with n, not with the battles of the file.

    Raises:
        BadInput: the file does not exist, or has an unknown label.
    """
    check_exists(path, "fetch")
    if ids is None:
        battles = pq.read_table(path, columns=list(columns))
    else:
        battles = _read_chosen(path, columns, np.sort(ids))
    if "label" in columns and not set(battles["label"].unique().to_pylist()) <= CODES:
        raise BadInput(f"{path} has a label that is not one of {LABELS}. Run `dvc repro fetch`.")
    return battles


def scan_battles(path: Path, columns: Sequence[str], task: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of the named columns in the order of the file, with a progress bar on stderr.

    Memory use does not grow with the number of battles.

    Args:
        path: the table.
        columns: columns to read.
        task: the label of the progress bar.

    Raises:
        BadInput: the file does not exist.
    """
    check_exists(path, "fetch")
    with tqdm(total=pq.read_metadata(path).num_rows, desc=task, unit=" battles") as progress:
        for batch in _scan(path, columns):
            yield batch
            progress.update(len(batch))


def _scan(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    # Buffering ahead would load the whole file.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        # One row group at a time, because a batch from several groups loads all of them.
        for group in range(file.num_row_groups):
            yield from file.iter_batches(BATTLES_A_BATCH, [group], columns=list(columns))


def _read_chosen(path: Path, columns: Sequence[str], ids: np.ndarray) -> pa.Table:
    """Read the battles of `ids`, int64 [n], which are sorted."""
    batches = (batch.select(columns) for batch in _scan(path, columns))
    chosen = [batch.filter(_are_among(batch["id"].to_numpy(), ids)) for batch in batches]
    schema = pq.read_schema(path)
    return pa.Table.from_batches(chosen, pa.schema([schema.field(name) for name in columns]))


def _are_among(ids: np.ndarray, chosen: np.ndarray) -> pa.BooleanArray:
    places = np.searchsorted(chosen, ids)
    found = places < len(chosen)
    found[found] = chosen[places[found]] == ids[found]
    return pa.array(found)


def has_oracle(path: Path) -> bool:
    """Return whether the table has true probabilities, as simulated battles have."""
    check_exists(path, "fetch")
    return "oracle" in pq.read_schema(path).names


def one_hot(labels: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return int labels [n] as an array [n, 3] with 1 in the column of the label."""
    return np.eye(len(LABELS), dtype=dtype)[labels]


def label_shares(labels: np.ndarray) -> dict[str, float]:
    """Return the fraction of each label among int labels [n], n > 0."""
    counts = np.bincount(labels, minlength=len(LABELS))
    return dict(zip(LABELS, (counts / counts.sum()).tolist(), strict=True))
