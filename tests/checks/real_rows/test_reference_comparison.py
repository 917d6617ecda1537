"""`make real-rows` on made-up votes: what it prints, and that no fold's labels are seen."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest

from checks.real_rows.__main__ import compare_references
from checks.real_rows.cross_validation import cross_validate
from checks.real_rows.scores import write_table
from preference.config.params import REFERENCES, ReferenceParams, TreesParams
from preference.runtime.errors import BadInput

TREES = TreesParams(number=3, min_leaf=8, max_features=0.1)
PARAMS = ReferenceParams(
    most_battles=60000, max_features=50, inverse_regularization=0.1, trees=TREES
)


def draw(count, seed=1):
    """Votes for the longer answer, or, where the labels say so, for neither."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 30, (2, count))
    labels = np.where(np.abs(lengths[0] - lengths[1]) < 5, 2, lengths[0] < lengths[1])
    sides = [[[f"{number} " + "word " * one] for number, one in enumerate(one)] for one in lengths]
    return [[f"question {number // 2}"] for number in range(count)], *sides, labels.astype(np.int8)


def to_table(prompts, first, second, labels):
    columns = {"id": np.arange(len(labels)), "prompt": prompts}
    return pa.table({**columns, "response_a": first, "response_b": second, "label": labels})


@pytest.fixture(scope="module")
def predicted():
    votes = draw(100)
    return cross_validate(to_table(*votes), np.arange(100) // 2, PARAMS, seed=1)


def test_no_label_of_a_group_changes_what_is_predicted_for_it(predicted):
    *texts, labels = draw(100)
    changed = labels.copy()
    changed[40:42] = (labels[40:42] + 1) % 3
    other = cross_validate(to_table(*texts, changed), np.arange(100) // 2, PARAMS, seed=1)
    for name in REFERENCES:
        same = np.all(predicted[name] == other[name], axis=(0, 2))
        assert same[40:42].all() and not same.all(), name


def test_repetitions_have_different_folds(predicted):
    first, second = predicted["length"]
    assert not np.array_equal(first, second)


def test_the_table_is_what_the_losses_and_groups_say():
    labels, groups = np.array([0, 1, 2, 0]), np.array([1, 1, 2, 3])
    tfidf = np.full((2, 4, 3), 1 / 3)
    better = tfidf.copy()
    better[1] = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]
    lines = write_table({"features": better, "tfidf": tfidf}, labels, groups).splitlines()
    # The mean over both repetitions of log 3 and log 2; all battles have the same.
    assert lines[2] == "| tfidf | 1.0986 | 0.0000 | – | – |"
    assert lines[3] == "| features | 0.8959 | 0.0000 | −0.2027 | 0.0000 |"
    better[1, 3] = [0.25, 0.5, 0.25]
    lines = write_table({"features": better, "tfidf": tfidf}, labels, groups).splitlines()
    # Differences d, d, d, e of groups of 2, 1, 1: sums 2(d - m), d - m, e - m around the mean m.
    d, e = (np.log(2) - np.log(3)) / 2, (np.log(4) - np.log(3)) / 2
    mean = (3 * d + e) / 4
    expected = np.sqrt(1.5 * ((2 * (d - mean)) ** 2 + (d - mean) ** 2 + (e - mean) ** 2)) / 4
    assert lines[3].endswith(f" | {expected:.4f} |")


def write_votes(path, count):
    prompts, first, second, labels = draw(count)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        winners = ["winner_model_a", "winner_model_b", "winner_tie"]
        writer.writerow(["id", "prompt", "response_a", "response_b", *winners])
        for number in range(count):
            texts = [json.dumps(one[number]) for one in (prompts, first, second)]
            won = [int(labels[number] == label) for label in range(3)]
            writer.writerow([number, *texts, *won])


def test_a_file_of_votes_is_compared(tmp_path):
    write_votes(tmp_path / "votes.csv", 100)
    head, _, *table = compare_references(tmp_path / "votes.csv", PARAMS, seed=1).splitlines()
    assert head.startswith("100 battles in 50 groups, 0 rows left out; 5-fold")
    names = [line.split(" | ")[0].removeprefix("| ") for line in table[2:]]
    assert sorted(names) == sorted(REFERENCES)
    # The longer answer won.
    assert names.index("length") > names.index("prior")


def test_too_few_votes_are_named(tmp_path):
    write_votes(tmp_path / "few.csv", 20)
    with (tmp_path / "few.csv").open("a") as file:
        file.write("too,short\n")
    expected = (
        r"few.csv has 20 battles in 10 groups .*, and 1 rows that are not battles \(line 22: wrong "
        r"number of fields\); cross-validation needs 50 groups"
    )
    with pytest.raises(BadInput, match=expected):
        compare_references(tmp_path / "few.csv", PARAMS, seed=1)
