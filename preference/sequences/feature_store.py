"""Dense features of every battle, computed once and read by the experiments that use them.

`data/features/<experiment>.npy` is a table with one row a battle, opened as a memory map:

    id               int64
    answer: <name>   float32 (2,): of both answers, A first
    pair: <name>     float32: of both answers together
    prompt: <name>   float32

The rows are in any order, and not normalised. An experiment that uses no features has the table
`UNUSED`, so that its stages do not run again where another experiment uses them.
"""

from pathlib import Path

import numpy as np

from preference.runtime.errors import BadInput, check_exists

FEATURES = Path("data/features")
STAGE = "featurize"
ID, PAIR = "id", "pair"
UNUSED = np.empty(0, [(ID, "<i8")])


def feature_name(kind: str, name: str) -> str:
    """Return the name of a column: the `name` of a feature of an answer, a pair or a prompt."""
    return f"{kind}: {name}"


def is_of_pair(column: str) -> bool:
    """Return whether a feature depends on both answers."""
    return column.startswith(feature_name(PAIR, ""))


def features_file(experiment: str) -> Path:
    """Return the path of the features of an experiment's battles."""
    return FEATURES / f"{experiment}.npy"


def open_features(experiment: str) -> np.ndarray:
    """Map the features that an experiment uses into memory, read-only.

    Raises:
        BadInput: they have not been computed.
    """
    path = features_file(experiment)
    check_exists(path, STAGE)
    table = np.load(path, mmap_mode="r")
    if not len(table):
        raise BadInput(f"{path} has no features: run `dvc repro {STAGE}`.")
    return table


def find_rows(table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the row of each battle id in a table of features, int64 [n].

    Raises:
        BadInput: a battle has no features.
    """
    known = np.ascontiguousarray(table[ID])
    order = np.argsort(known)
    places = np.searchsorted(known, ids, sorter=order)
    rows = order[np.minimum(places, len(known) - 1)]
    missing = known[rows] != ids
    if missing.any():
        raise BadInput(f"battle {ids[missing][0]} has no features: run `dvc repro {STAGE}`.")
    return rows
