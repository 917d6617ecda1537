"""The targets of a split: labels, groups and, for simulated battles, the oracle."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Oracle:
    """The truth of n simulated battles.

    `probabilities` is the true probability of each label, float64 [n, 3]. `agreement` is the part
    of the true log odds that comes from the agreement of prompt and answer, float64 [n].
    """

    probabilities: np.ndarray
    agreement: np.ndarray


@dataclass(frozen=True)
class Targets:
    """The targets of n battles.

    `ids` and `groups` are int [n]; `labels` is int [n] or, where some of them are soft, their
    shares, float64 [n, 3]. `near_duplicate`, bool [n], marks battles whose prompt is nearly the
    same as one in train, and `has_ties`, bool [n], those whose source has ties. `oracle` is None
    for real battles. `known_prompt`, bool [n], marks battles whose prompt is known from elsewhere;
    it is None where that is not asked. `folds`, int [n], has the fold of each battle; it is None
    where the battles are split once. `weights`, float64 [n], is what each battle counts for in
    every metric; it is None where all count for the same.
    """

    ids: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    near_duplicate: np.ndarray
    has_ties: np.ndarray
    oracle: Oracle | None = None
    known_prompt: np.ndarray | None = None
    folds: np.ndarray | None = None
    weights: np.ndarray | None = None
