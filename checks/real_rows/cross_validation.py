"""Predict every battle with references that were fitted to other groups of battles.

Guarantees
1. Battles of one group are always in the same fold.
2. The labels of a fold are not used for its predictions, nor for the weights of `stack` in them.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from sklearn.model_selection import GroupKFold, GroupShuffleSplit
from tqdm import tqdm

from preference.battles.table import LABELS
from preference.config.params import REFERENCES, ReferenceParams
from preference.references.files import STACK, STACKED
from preference.references.models import (
    Reference,
    Stack,
    fit_reference,
    fit_references,
    predict_references,
)

FOLDS, REPEATS = 5, 2
# What the weights of `stack` are fitted to, as a fraction of the train battles.
VALID = 0.125


def cross_validate(
    battles: pa.Table, groups: np.ndarray, params: ReferenceParams, seed: int
) -> dict[str, np.ndarray]:
    """Return the probabilities of each reference, float64 [REPEATS, n, 3].

    Args:
        battles: n battles.
        groups: the group of each battle, int64 [n].
        params: the section `reference` of params.yaml.
        seed: of the folds and the trees; repetitions have the seeds that follow it.

    Raises:
        ValueError: there are fewer groups than folds.
    """
    shape = (REPEATS, len(battles), len(LABELS))
    predicted = {name: np.empty(shape) for name in REFERENCES}
    splits = list(_split(groups, seed))
    for repeat, train, test in tqdm(splits, desc="cross-validate", unit=" folds"):
        references = _fit(battles.take(train), groups[train], params, seed)
        for name, one in predict_references(references, battles.take(test)).items():
            predicted[name][repeat, test] = one.probabilities
    return predicted


def _split(groups: np.ndarray, seed: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for repeat in range(REPEATS):
        folds = GroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for train, test in folds.split(groups, groups=groups):
            yield repeat, train, test


def _fit(
    battles: pa.Table, groups: np.ndarray, params: ReferenceParams, seed: int
) -> dict[str, Reference]:
    """Fit to all battles, and the weights of `stack` to some of them, after fits to the others."""
    holdout = GroupShuffleSplit(1, test_size=VALID, random_state=seed)
    ((train, valid),) = holdout.split(groups, groups=groups)
    weighted = fit_references(battles.take(train), battles.take(valid), params, seed)[STACK]
    assert isinstance(weighted, Stack)
    fitted = {
        name: fit_reference(name, battles, params, seed) for name in REFERENCES if name != STACK
    }
    parts = {name: fitted[name] for name in STACKED}
    return {**fitted, STACK: Stack(parts, weighted.weights)}
