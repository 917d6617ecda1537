"""Lay out the dense features of battles as rows that `preference.sequences.feature_store` keeps."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from preference.features.dense_features import (
    ANSWER_FEATURES,
    SHARED_FEATURES,
    compute_features,
)
from preference.sequences.feature_store import ID, feature_name

ANSWER_COLUMNS, SHARED_COLUMNS = (
    [feature_name(feature.of, feature.name) for feature in features]
    for features in (ANSWER_FEATURES, SHARED_FEATURES)
)
ROW = np.dtype(
    [
        (ID, "<i8"),
        *((name, "<f4", (2,)) for name in ANSWER_COLUMNS),
        *((name, "<f4") for name in SHARED_COLUMNS),
    ]
)


COLUMNS = {*ANSWER_COLUMNS, *SHARED_COLUMNS}


def compute_rows(battles: pa.Table) -> np.ndarray:
    """Return the features of battles as rows, [n].

    Args:
        battles: with the columns `id`, `prompt`, `response_a` and `response_b`.
    """
    features = compute_features(battles)
    rows = np.empty(len(battles), ROW)
    rows[ID] = battles[ID].to_numpy()
    for column, name in enumerate(ANSWER_COLUMNS):
        rows[name] = features.answers[:, :, column].T
    for column, name in enumerate(SHARED_COLUMNS):
        rows[name] = features.shared[:, column]
    return rows


def write_rows(batches: Iterable[pa.RecordBatch], count: int, path: Path) -> None:
    """Write the features of all battles, of which only a batch is in memory.

    Args:
        batches: `count` battles together, with the columns of `compute_rows`.
        count: the number of battles.
        path: the .npy file.
    """
    with path.open("wb") as file:
        descr = np.lib.format.dtype_to_descr(ROW)
        header = {"descr": descr, "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for batch in batches:
            file.write(compute_rows(pa.Table.from_batches([batch])).tobytes())
