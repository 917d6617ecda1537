"""The reference `features`: extremely randomised trees on the dense features of a battle.

Guarantee: swapping the answers exchanges P(A) and P(B) exactly. The trees are fitted to both orders
of every battle, and what they predict for both orders is averaged.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import safetensors.numpy

from preference.battles.soft_labels import read_labels, read_weights, split_shares
from preference.battles.splits import read_has_ties
from preference.battles.table import A_WINS, B_WINS, TIE
from preference.config.params import TreesParams
from preference.features.dense_features import (
    COLUMNS,
    GROUPS,
    DenseFeatures,
    compute_features,
)
from preference.references.extra_trees import LEAF, Forest, check_forest, fit_forest, predict
from preference.references.files import FEATURES
from preference.runtime.strict_json import check_values, parse_json, to_json
from preference.statistics.metrics import log_loss

NAMES = "columns"
# How the names of columns begin that came after trees that name no columns: those read all others.
# Each new feature is added here.
ADDED = ("asked formats",)
# Importance is measured on this many battles at most: it takes a prediction for each group.
IMPORTANCE_BATTLES = 10_000
# The label, or the column of a label, after the answers have changed places.
SWAPPED = np.array([B_WINS, A_WINS, TIE])


@dataclass(frozen=True)
class TreesReference:
    """The fitted trees."""

    forest: Forest
    name: str = FEATURES


def fit_trees(battles: pa.Table, params: TreesParams, seed: int) -> TreesReference:
    """Fit trees to both orders of every battle.

    A soft label is a row for each label that has a share, with the share as its weight. A battle
    that cannot be a tie says nothing about how likely ties are, so that it counts as one to the
    extent that the other battles are ties.
    """
    features = compute_features(battles)
    rows, labels, weights = split_shares(read_labels(battles), read_weights(battles))
    columns = np.concatenate([features.columns()[rows], features.swapped()[rows]])
    both = np.concatenate([labels, SWAPPED[labels]])
    weights = None if weights is None else np.tile(weights, 2)
    has_ties = np.tile(read_has_ties(battles)[rows], 2)
    if has_ties.all() or not has_ties.any():
        return TreesReference(fit_forest(columns, both, params, seed, weights))
    weights = np.ones(len(both)) if weights is None else weights
    ties = np.average(both[has_ties] == TIE, weights=weights[has_ties])
    undecided = ~has_ties
    columns = np.concatenate([columns, columns[undecided]])
    both = np.concatenate([both, np.full(undecided.sum(), TIE)])
    weights = np.concatenate([weights * np.where(has_ties, 1, 1 - ties), weights[undecided] * ties])
    return TreesReference(fit_forest(columns, both, params, seed, weights))


def predict_trees(reference: TreesReference, battles: pa.Table) -> np.ndarray:
    """Return the probabilities of battles, float64 [n, 3]."""
    return _predict(reference, compute_features(battles))


def measure_importance(reference: TreesReference, battles: pa.Table, seed: int) -> dict[str, float]:
    """Return how much the log loss rises when a group of features is that of another battle.

    This is permutation importance (Breiman, 2001). What a group shares with another one counts for
    neither. Of more than `IMPORTANCE_BATTLES`, as many are taken, evenly spaced.

    Args:
        reference: the trees.
        battles: battles that the trees were not fitted to, with labels.
        seed: of the permutations.

    Returns:
        The rise by the name of the group, the largest first.
    """
    most = min(len(battles), IMPORTANCE_BATTLES)
    battles = battles.take(np.linspace(0, len(battles) - 1, most).astype(int))
    features, labels = compute_features(battles), read_labels(battles)
    weights = read_weights(battles)
    random = np.random.default_rng(seed)
    whole = log_loss(labels, _predict(reference, features), weights)
    rises = {}
    for group in GROUPS:
        shuffled = features.shuffle_group(group, random.permutation(len(labels)))
        rises[group] = log_loss(labels, _predict(reference, shuffled), weights) - whole
    return dict(sorted(rises.items(), key=lambda item: -item[1]))


def trees_to_bytes(reference: TreesReference) -> bytes:
    """Return the arrays of the trees, and the names of their columns, in the format safetensors."""
    return safetensors.numpy.save(reference.forest.arrays(), {NAMES: to_json(COLUMNS)})


def trees_from_bytes(content: bytes) -> TreesReference:
    """Return the reference that `trees_to_bytes` wrote.

    Raises:
        ValueError: the content is damaged, or its trees read features that we do not know.
    """
    try:
        forest = Forest(**safetensors.numpy.load(content))
    # KeyError is raised for numbers that NumPy does not have, TypeError for other arrays.
    except (safetensors.SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"it does not hold the arrays of trees: {error}") from error
    names = _read_names(content)
    check_forest(forest, len(names))
    places = np.array([COLUMNS.index(name) for name in names], forest.feature.dtype)
    feature = np.where(forest.feature == LEAF, LEAF, places[forest.feature])
    return TreesReference(replace(forest, feature=feature))


def _read_names(content: bytes) -> list[str]:
    """Return the columns that the trees of a file read, which safetensors has found valid."""
    header = parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__") or {}
    if NAMES not in metadata:
        return [name for name in COLUMNS if not name.startswith(ADDED)]
    names = check_values(list[str], parse_json(metadata[NAMES].encode()))
    if not 0 < len(names) <= len(COLUMNS):
        raise ValueError(f"its trees read {len(names)} columns, not from 1 to {len(COLUMNS)}")
    if unknown := set(names) - set(COLUMNS):
        raise ValueError(f"its trees read {min(unknown)[:100]!r}, a feature that we do not know")
    if len(set(names)) < len(names):
        raise ValueError("it names a column twice")
    return names


def _predict(reference: TreesReference, features: DenseFeatures) -> np.ndarray:
    in_order = predict(reference.forest, features.columns())
    swapped = predict(reference.forest, features.swapped())
    return (in_order + swapped[:, SWAPPED]) / 2
