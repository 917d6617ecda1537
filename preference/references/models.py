"""References: models without a network, which an experiment must beat to be worth its cost.

prior, length, tfidf   `preference.references.linear`
features               `preference.references.trees`
stack                  `preference.references.stack`

None has a position bias. References read all turns, whatever `text.turns` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from preference.battles.predictions import Predictions, check_probabilities, rule_out_ties
from preference.battles.soft_labels import read_labels, read_weights
from preference.battles.splits import read_has_ties
from preference.battles.table import BATTLES_A_BATCH, LABELS
from preference.config.params import REFERENCES, ReferenceParams
from preference.references.files import FEATURES, STACK, STACKED, main_file
from preference.references.linear import (
    LinearReference,
    fit_linear,
    linear_from_bytes,
    linear_to_bytes,
    predict_linear,
)
from preference.references.stack import (
    StackWeights,
    fit_stack,
    stack_from_bytes,
    stack_to_bytes,
)
from preference.references.trees import (
    TreesReference,
    fit_trees,
    predict_trees,
    trees_from_bytes,
    trees_to_bytes,
)
from preference.runtime.errors import check_exists
from preference.runtime.strict_json import damaged

STAGE = "train_reference"

T = TypeVar("T")
Single = LinearReference | TreesReference
# Reads a file with a function that raises ValueError where the content is damaged.
Read = Callable[[Path, Callable[[bytes], Any]], Any]


@dataclass(frozen=True)
class Stack:
    """The references that `stack` mixes, and their weights."""

    parts: Mapping[str, Single]
    weights: StackWeights
    name: str = STACK


Reference = Single | Stack


def read_own(path: Path, parse: Callable[[bytes], T]) -> T:
    """Read a file of the stage `train_reference`.

    Raises:
        BadInput: the file does not exist, or is damaged.
    """
    check_exists(path, STAGE)
    try:
        return parse(path.read_bytes())
    except ValueError as error:
        raise damaged(path, error, STAGE) from error


def fit_references(
    train: pa.Table, valid: pa.Table, params: ReferenceParams, seed: int
) -> dict[str, Reference]:
    """Fit all references to battles that have `FIELDS` and `label_columns`.

    Args:
        train: what all references but `stack` are fitted to.
        valid: other battles, to which the weights of `stack` are fitted.
        params: the section `reference` of params.yaml.
        seed: of the trees.

    Raises:
        BadInput: all battles of train are ties.
    """
    single = {
        name: fit_reference(name, train, params, seed) for name in REFERENCES if name != STACK
    }
    parts = {name: single[name] for name in STACKED}
    has_ties = read_has_ties(valid)
    predicted = {
        name: rule_out_ties(predictions, has_ties).probabilities
        for name, predictions in predict_references(parts, valid).items()
    }
    weights = fit_stack(read_labels(valid), predicted, read_weights(valid))
    return {**single, STACK: Stack(parts, weights)}


def fit_reference(name: str, battles: pa.Table, params: ReferenceParams, seed: int) -> Single:
    """Fit one reference, which is not `stack`.

    Raises:
        BadInput: a linear reference is fitted to battles that are all ties.
    """
    if name == FEATURES:
        return fit_trees(battles, params.trees, seed)
    return fit_linear(name, battles, params)


def predict_reference(reference: Reference, battles: pa.Table) -> Predictions:
    """Predict battles with the columns `id`, `prompt`, `response_a` and `response_b`.

    Raises:
        BadInput: the predictions are not probabilities.
    """
    if isinstance(reference, Stack):
        return predict_references({**reference.parts, STACK: reference}, battles)[STACK]
    return predict_references({reference.name: reference}, battles)[reference.name]


def predict_references(
    references: Mapping[str, Reference], battles: pa.Table
) -> dict[str, Predictions]:
    """Predict battles with several references, those that `stack` mixes among them.

    Raises:
        BadInput: predictions are not probabilities.
    """
    probabilities = {
        name: predict_single(one, battles)
        for name, one in references.items()
        if not isinstance(one, Stack)
    }
    for name, one in references.items():
        if isinstance(one, Stack):
            probabilities[name] = one.weights.mix(probabilities)
    ids = battles["id"].to_numpy()
    for name, rows in probabilities.items():
        check_probabilities(name, rows)
    return {name: Predictions(ids, rows, swapped=rows) for name, rows in probabilities.items()}


def predict_single(reference: Single, battles: pa.Table) -> np.ndarray:
    """Return the probabilities of a reference that is not `stack`, float64 [n, 3].

    The memory that it takes does not grow with the battles, but for its result.
    """
    parts = [
        predict_trees(reference, batch)
        if isinstance(reference, TreesReference)
        else predict_linear(reference, batch)
        for start in range(0, len(battles), BATTLES_A_BATCH)
        for batch in [battles.slice(start, BATTLES_A_BATCH)]
    ]
    return np.concatenate([np.empty((0, len(LABELS))), *parts])


def save_reference(reference: Reference, folder: Path) -> None:
    """Write the main file of a reference; what `stack` mixes is not written with it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / main_file(reference.name)).write_bytes(_to_bytes(reference))


def load_references(folder: Path) -> dict[str, Reference]:
    """Load all references that `save_reference` wrote.

    Raises:
        BadInput: a file does not exist, or is damaged.
    """
    return {name: load_reference(name, folder) for name in REFERENCES}


def load_reference(name: str, folder: Path, read: Read = read_own) -> Reference:
    """Load a reference that `save_reference` wrote; its predictions are the same to the last bit.

    Args:
        name: of the reference.
        folder: has its file, and for `stack` those of the references that it mixes.
        read: reads a file, and reports damage.

    Raises:
        BadInput: a file does not exist, or is damaged.
    """
    if name == STACK:
        weights = read(folder / main_file(name), stack_from_bytes)
        return Stack({part: _load_single(part, folder, read) for part in STACKED}, weights)
    return _load_single(name, folder, read)


def _load_single(name: str, folder: Path, read: Read) -> Single:
    path = folder / main_file(name)
    if name == FEATURES:
        return read(path, trees_from_bytes)
    return read(path, partial(linear_from_bytes, name))


def _to_bytes(reference: Reference) -> bytes:
    if isinstance(reference, Stack):
        return stack_to_bytes(reference.weights)
    if isinstance(reference, TreesReference):
        return trees_to_bytes(reference)
    return linear_to_bytes(reference)
