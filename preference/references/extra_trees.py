"""Extremely randomised trees (Geurts, Ernst and Wehenkel, 2006) as arrays, without pickle.

Guarantees
1. `predict` gives exactly what `predict_proba` of scikit-learn's forest with one job gives.
2. A forest that `check_forest` accepts gives probabilities, and has no more and no deeper trees
   than one of ours can have.

scikit-learn fits the trees. They are kept as flat arrays, in which a node's left child follows it.
"""

from dataclasses import dataclass, fields

import numpy as np

from preference.battles.predictions import are_probabilities
from preference.battles.table import LABELS
from preference.config.params import MOST_TREES, TreesParams

LEAF = -1
# Leaves hold at least this multiple of the root of the rows: more rows allow more and larger ones.
LEAF_GROWTH = 0.2
# Trees on 115,000 rows have some 40 levels.
DEEPEST = 200


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees, one tree after the other.

    `feature`, int16 [nodes], is the column that a node splits on, or `LEAF`; rows whose value is at
    most `threshold`, float64 [nodes], go to the next node, all others to the node `child`, int32
    [nodes]. The child of a leaf is its row of `leaves`, float64 [leaves, 3], the probabilities.
    `roots` is the first node of each tree, int32 [trees].
    """

    feature: np.ndarray
    threshold: np.ndarray
    child: np.ndarray
    leaves: np.ndarray
    roots: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def fit_forest(
    columns: np.ndarray,
    labels: np.ndarray,
    params: TreesParams,
    seed: int,
    weights: np.ndarray | None = None,
) -> Forest:
    """Fit a forest; the result does not depend on the number of processors.

    Args:
        columns: float32 [n, columns].
        labels: int [n].
        params: the number and the size of the trees.
        seed: of the trees.
        weights: what each row counts for, float64 [n]; None if all count for the same.
    """
    # Imported here, because who only predicts needs no scikit-learn.
    from sklearn.ensemble import ExtraTreesClassifier

    classifier = ExtraTreesClassifier(
        params.number,
        min_samples_leaf=max(params.min_leaf, int(LEAF_GROWTH * np.sqrt(len(labels)))),
        max_features=params.max_features,
        max_depth=DEEPEST,
        random_state=seed,
        n_jobs=-1,
    )
    classifier.fit(columns, labels, sample_weight=weights)
    trees = [estimator.tree_ for estimator in classifier.estimators_]
    nodes = np.cumsum([0, *(tree.node_count for tree in trees)])
    is_leaf = np.concatenate([tree.children_left for tree in trees]) == LEAF
    right = [tree.children_right + first for tree, first in zip(trees, nodes[:-1], strict=True)]
    leaves = np.zeros((np.count_nonzero(is_leaf), len(LABELS)))
    values = np.concatenate([tree.value[:, 0] for tree in trees])
    leaves[:, classifier.classes_] = values[is_leaf]
    return Forest(
        feature=np.where(is_leaf, LEAF, np.concatenate([t.feature for t in trees])).astype("i2"),
        threshold=np.where(is_leaf, 0, np.concatenate([tree.threshold for tree in trees])),
        child=np.where(is_leaf, np.cumsum(is_leaf) - 1, np.concatenate(right)).astype("i4"),
        leaves=leaves,
        roots=nodes[:-1].astype("i4"),
    )


def predict(forest: Forest, columns: np.ndarray) -> np.ndarray:
    """Return the mean over the trees of the probabilities of the leaves, float64 [n, 3].

    Args:
        forest: the trees.
        columns: float32 [n, columns].
    """
    total = np.zeros((len(columns), len(LABELS)))
    for root in forest.roots:
        total += forest.leaves[forest.child[_find_leaves(forest, root, columns)]]
    return total / len(forest.roots)


def check_forest(forest: Forest, columns: int) -> None:
    """Check that a forest, which someone else may have made, predicts rows of `columns` numbers.

    Raises:
        ValueError: an array has another type or shape, or a number is out of its range.
    """
    nodes, leaves, trees = len(forest.feature), len(forest.leaves), len(forest.roots)
    expected = {
        "feature": ("int16", (nodes,)),
        "threshold": ("float64", (nodes,)),
        "child": ("int32", (nodes,)),
        "leaves": ("float64", (leaves, len(LABELS))),
        "roots": ("int32", (trees,)),
    }
    for name, array in forest.arrays().items():
        if (str(array.dtype), array.shape) != expected[name]:
            kind, shape = expected[name]
            raise ValueError(
                f"{name} is {array.dtype} {list(array.shape)}, not {kind} {list(shape)}"
            )
    is_leaf = forest.feature == LEAF
    child = forest.child
    if not 0 < trees <= MOST_TREES:
        raise ValueError(f"there are {trees} trees, not from 1 to {MOST_TREES:,}")
    if not np.all((forest.roots >= 0) & (forest.roots < nodes)):
        raise ValueError("a root is no node")
    if not np.all((forest.feature >= LEAF) & (forest.feature < columns)):
        raise ValueError(f"a node splits on a column that is not among the {columns}")
    if not np.all(np.isfinite(forest.threshold)):
        raise ValueError("a threshold is not a number")
    # Children come after their node, so that every way ends; the last node must be a leaf.
    following = np.arange(1, nodes + 1)
    if not np.all(is_leaf | ((child > following) & (child < nodes))):
        raise ValueError("a node's child is not a later node")
    if not np.all(~is_leaf | ((child >= 0) & (child < leaves))):
        raise ValueError("a leaf has no probabilities")
    if not are_probabilities(forest.leaves):
        raise ValueError("a leaf's probabilities do not sum to 1, or one is negative")
    _check_depth(forest)


def _check_depth(forest: Forest) -> None:
    level = np.unique(forest.roots)
    for _ in range(DEEPEST + 1):
        splits = level[forest.feature[level] != LEAF]
        if not len(splits):
            return
        level = np.unique(np.concatenate([splits + 1, forest.child[splits]]))
    raise ValueError(f"a tree is deeper than {DEEPEST} levels")


def _find_leaves(forest: Forest, root: int, columns: np.ndarray) -> np.ndarray:
    """Return the leaf of one tree that each row ends in, int [n]."""
    ends = np.full(len(columns), root)
    rows = np.arange(len(columns))
    while len(rows):
        nodes = ends[rows]
        splits = forest.feature[nodes] != LEAF
        rows, nodes = rows[splits], nodes[splits]
        goes_left = columns[rows, forest.feature[nodes]] <= forest.threshold[nodes]
        ends[rows] = np.where(goes_left, nodes + 1, forest.child[nodes])
    return ends
