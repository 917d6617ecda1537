"""Near duplicates among crowds: texts so many alike that not each is compared with each."""

from itertools import pairwise, product

import numpy as np
import pyarrow as pa
import pytest

from preference.splitting.near_duplicates import (
    NEIGHBOURS,
    SIMILAR,
    NearDuplicates,
    find_near_duplicates,
)
from preference.splitting.text_sketches import sketch_prompts

CROWD = 300


def crowd(prefix, words, ending):
    """Return texts of the same words, but for one of their own at the end."""
    shared = " ".join(f"{prefix}{number}" for number in range(words))
    return [f"{shared} {ending} own{number}" for number in range(CROWD)]


def similarity(one, other):
    shingles = [
        {tuple(words[start : start + 5]) for start in range(len(words) - 4)}
        for words in (one.split(), other.split())
    ]
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


@pytest.mark.parametrize("seed", range(4))
def test_two_crowds_that_are_near_duplicates_of_each_other_are_found(seed):
    crowds = {
        "train": crowd(f"{seed}word", 60, "here it ends"),
        "near": crowd(f"{seed}word", 60, "thus we stop"),
        "far": crowd(
            f"{seed}word", 30, "and then comes something else of which no other text speaks"
        ),
    }
    first = {name: texts[0] for name, texts in crowds.items()}
    assert similarity(crowds["train"][0], crowds["train"][1]) > SIMILAR
    assert SIMILAR <= similarity(first["train"], first["near"]) < 0.9
    assert similarity(first["train"], first["far"]) < SIMILAR / 2
    order = np.random.default_rng(seed).permutation(3 * CROWD)
    names = np.repeat(list(crowds), CROWD)[order]
    texts = np.concatenate(list(crowds.values()))[order]
    table = pa.table({"prompt": [[text] for text in texts]})
    near = find_near_duplicates(sketch_prompts(table.to_batches()))
    all_of_train = names == "train"
    # A single text of train is a neighbour of few of the other texts.
    one_of_train = np.arange(3 * CROWD) == np.flatnonzero(all_of_train)[0]
    for others in (all_of_train, one_of_train):
        has_one = near.has_one_among(others)
        assert has_one[names == "near"].all()
        assert not has_one[names == "far"].any()
    clusters = {name: set(near.clusters()[names == name]) for name in crowds}
    assert clusters["train"] == clusters["near"] and len(clusters["train"]) == 1
    assert len(clusters["far"]) == 1 and clusters["far"] != clusters["train"]


def test_of_a_text_that_was_not_compared_with_all_of_its_cluster_any_of_them_counts():
    """Text 0 is in train; 1 is nearly the same; 2 is so to 1 alone, and has a crowd or has none."""
    for size, is_found in ((NEIGHBOURS, True), (NEIGHBOURS - 1, False)):
        others = range(3, 2 + size)
        pairs = np.array([*pairwise(range(3)), *product([2], others)])
        near = NearDuplicates(np.arange(2 + size), pairs)
        has_one = near.has_one_among(np.arange(2 + size) == 0)
        assert has_one[:3].tolist() == [True, True, is_found]
        assert not has_one[3:].any()
