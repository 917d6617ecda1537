"""The reference of trees: what it learns, how it explains itself, and damaged files."""

import json
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest
import safetensors.numpy

from preference.config.params import TreesParams
from preference.features.dense_features import COLUMNS
from preference.references import trees
from preference.references.extra_trees import LEAF
from preference.references.trees import (
    fit_trees,
    measure_importance,
    predict_trees,
    trees_from_bytes,
    trees_to_bytes,
)

PARAMS = TreesParams(number=30, min_leaf=8, max_features=0.3)
# The sha256 of the names of the 221 columns when trees did not name them, one a line.
OLD_COLUMNS = "00937bed839c4193af1c03082ee88701c6175589596fc5e561f99f0a3cc1bb19"
WORDS = ["north", "south", "east", "west", "up", "down"]


def draw_battles(count, seed):
    """Answers of equal length; the one with more exclamation marks wins."""
    random = np.random.default_rng(seed)
    marks = random.integers(0, 4, (count, 2))
    labels = np.where(marks[:, 0] == marks[:, 1], 2, marks[:, 0] < marks[:, 1])
    answers = [
        [[" ".join(random.choice(WORDS, 12)) + "!" * one + "." * (4 - one)] for one in side]
        for side in marks.T
    ]
    columns = {"prompt": [["Where?"]] * count, "response_a": answers[0], "response_b": answers[1]}
    return pa.table({**columns, "label": labels})


@pytest.fixture(scope="module")
def reference():
    return fit_trees(draw_battles(300, seed=1), PARAMS, seed=1)


def test_trees_learn_what_wins_and_say_that_it_is_a_character(reference):
    test = draw_battles(200, seed=2)
    predicted = predict_trees(reference, test).argmax(axis=1)
    assert np.mean(predicted == test["label"].to_numpy()) > 0.9
    rises = measure_importance(reference, test, seed=1)
    assert [*rises] == sorted(rises, key=rises.get, reverse=True)
    assert next(iter(rises)) == "characters" and rises["characters"] > 0.1
    assert all(abs(rise) < 0.05 for group, rise in rises.items() if group != "characters")
    # Every answer has the same length in characters and in words.
    assert rises["prompt"] == 0


def test_battles_that_cannot_be_ties_leave_the_fraction_of_ties_as_it_is():
    """A third of the battles are ties, and as many others are of a source without ties."""
    count = 600
    battles = draw_battles(count, seed=4)
    labels = np.random.default_rng(4).integers(0, 3, count)
    has_ties = np.arange(count) % 2 == 0
    labels[~has_ties] = labels[~has_ties] % 2
    battles = battles.drop_columns(["label"]).append_column("label", pa.array(labels))
    expected = np.mean(labels[has_ties] == 2)
    marked = battles.append_column("has_ties", pa.array(has_ties))
    ties = predict_trees(fit_trees(marked, PARAMS, seed=1), battles)[:, 2].mean()
    assert ties == pytest.approx(expected, abs=0.02)
    unmarked = predict_trees(fit_trees(battles, PARAMS, seed=1), battles)[:, 2].mean()
    assert unmarked == pytest.approx(expected / 2, abs=0.04)


def test_importance_of_many_battles_is_that_of_evenly_spaced_ones(reference, monkeypatch):
    battles = draw_battles(100, seed=2)
    part = battles.take(list(range(0, 100, 11)))
    expected = measure_importance(reference, part, seed=1)
    monkeypatch.setattr(trees, "IMPORTANCE_BATTLES", len(part))
    assert measure_importance(reference, battles, seed=1) == expected


def test_trees_read_the_columns_that_they_name(reference):
    """Also where another version has more features, or has them in another order."""
    battles = draw_battles(50, seed=4)
    arrays = reference.forest.arrays()
    order = np.random.default_rng(0).permutation(len(COLUMNS))
    # The column that was at order[i] is at i.
    places = np.argsort(order).astype(arrays["feature"].dtype)
    feature = np.where(arrays["feature"] == LEAF, LEAF, places[arrays["feature"]])
    names = json.dumps([COLUMNS[place] for place in order])
    content = safetensors.numpy.save({**arrays, "feature": feature}, {"columns": names})
    found = predict_trees(trees_from_bytes(content), battles)
    assert np.array_equal(found, predict_trees(reference, battles))


def test_trees_that_name_no_columns_read_those_that_there_were(reference):
    """They are older than the names. A feature that has come since is in `ADDED`."""
    arrays = reference.forest.arrays()
    feature = arrays["feature"].clip(max=0)
    splits = np.flatnonzero(feature != LEAF)[: len(COLUMNS)]
    feature[splits[:221]] = np.arange(221)
    content = safetensors.numpy.save({**arrays, "feature": feature})
    # safetensors reads null as no metadata.
    length = int.from_bytes(content[:8], "little")
    nothing = b'{"__metadata__":null,' + content[9 : 8 + length]
    with_null = len(nothing).to_bytes(8, "little") + nothing + content[8 + length :]
    for one in (content, with_null):
        found = trees_from_bytes(one).forest.feature[splits[:221]]
        names = "\n".join(COLUMNS[place] for place in found)
        assert sha256(names.encode()).hexdigest() == OLD_COLUMNS


def test_damaged_files_of_trees_are_refused(reference):
    content = trees_to_bytes(reference)
    arrays = safetensors.numpy.load(content)
    restored = trees_from_bytes(content).forest.arrays()
    assert all(np.array_equal(restored[name], arrays[name]) for name in arrays)
    stump = {**arrays, "feature": arrays["feature"][:1] * 0 + LEAF, "threshold": np.zeros(1)}
    stump |= {"child": np.zeros(1, "i4"), "roots": np.zeros(1, "i4"), "leaves": np.ones((1, 3)) / 3}
    assert trees_from_bytes(safetensors.numpy.save(stump))
    missing = {name: array for name, array in arrays.items() if name != "roots"}
    for damaged in (
        b"",
        content[:-1],
        content + b"\0",
        b"\x80\x04" + content,
        b"\xff" * 8 + content[8:],
        safetensors.numpy.save(missing),
        safetensors.numpy.save({**arrays, "more": np.zeros(3)}),
        safetensors.numpy.save({**arrays, "child": arrays["child"].astype(np.int64)}),
        safetensors.numpy.save(arrays, {"columns": "[]"}),
        safetensors.numpy.save(stump, {"columns": "[]"}),
        safetensors.numpy.save(arrays, {"columns": '["A"]'}),
        safetensors.numpy.save(arrays, {"columns": json.dumps([*COLUMNS[1:], COLUMNS[1]])}),
        safetensors.numpy.save(arrays, {"columns": "not JSON"}),
        safetensors.numpy.save(arrays, {"columns": json.dumps([*COLUMNS[:-1], "length of ears"])}),
        # Columns that are no features of ours.
        safetensors.numpy.save({**arrays, "feature": arrays["feature"] + 500}),
    ):
        with pytest.raises(ValueError, match=r"."):
            trees_from_bytes(damaged)
