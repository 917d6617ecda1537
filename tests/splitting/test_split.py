import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preference.runtime.errors import BadInput
from preference.splitting.stratified import split_by_group

SHARES = {"train": 0.7, "valid": 0.1, "calibration": 0.05, "test": 0.15}


def arena(count, seed=0):
    """Return ids, groups and labels; most groups are single battles, a few are large."""
    random = np.random.default_rng(seed)
    sizes = [107, 60, 40, *np.minimum(random.zipf(2.5, count), 30).tolist()]
    groups = np.repeat(np.arange(len(sizes)), sizes)[:count]
    labels = random.choice(3, count, p=[0.35, 0.34, 0.31])
    return random.permutation(10 * count)[:count], groups, labels


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sizes_and_labels_are_in_proportion(seed):
    ids, groups, labels = arena(20_000, seed)
    splits = split_by_group(ids, groups, labels, SHARES, seed)
    label_of = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    for name, share in SHARES.items():
        chosen = [label_of[one] for one in splits[name]["id"].to_pylist()]
        for label in range(3):
            wanted = share * (labels == label).sum()
            assert abs(chosen.count(label) - wanted) <= 2


@pytest.mark.parametrize("count", [300, 1000])
def test_large_groups_do_not_overfill_the_small_splits(count):
    splits = split_by_group(*arena(count), SHARES, 0)
    for name, share in SHARES.items():
        assert abs(len(splits[name]) - share * count) <= 4


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.randoms(use_true_random=False))
def test_split_is_a_partition_by_groups_whatever_the_order(seed, data_seed, random):
    ids, groups, labels = arena(400, data_seed)
    splits = split_by_group(ids, groups, labels, SHARES, seed)
    order = np.array(random.sample(range(400), 400))
    again = split_by_group(ids[order], groups[order], labels[order], SHARES, seed)
    assert all(splits[name].equals(again[name]) for name in SHARES)
    assert sorted(pa.concat_tables(splits.values())["id"].to_pylist()) == sorted(ids.tolist())
    group_of = dict(zip(ids.tolist(), groups.tolist(), strict=True))
    owners = {}
    for name, split in splits.items():
        assert split["id"].to_pylist() == sorted(split["id"].to_pylist())
        for row in split.to_pylist():
            assert row["group"] == group_of[row["id"]]
            assert owners.setdefault(row["group"], name) == name


def test_seed_chooses_the_split():
    first, same, other = (split_by_group(*arena(1000), SHARES, seed) for seed in (1, 1, 2))
    assert first["test"].equals(same["test"])
    assert not first["test"].equals(other["test"])


def test_split_without_a_label_is_refused():
    ids = np.arange(200)
    with pytest.raises(BadInput, match=r"valid split has \d+ battles, none with label tie"):
        split_by_group(ids, ids, np.where(ids < 2, 2, ids % 2), SHARES, 0)
    with pytest.raises(BadInput, match="raise split"):
        split_by_group(ids, ids // 40, ids % 3, SHARES, 0)


def test_a_source_without_ties_is_split_by_a_and_b():
    ids = np.arange(200)
    for split in split_by_group(ids, ids, ids % 2, SHARES, 0).values():
        assert abs(np.mean(split["id"].to_numpy() % 2) - 0.5) < 0.1


def test_a_source_that_no_shares_could_split_is_refused():
    ids = np.arange(200)
    with pytest.raises(BadInput, match="none of the 200 battles has label B, and every split"):
        split_by_group(ids, ids, ids % 2 * 2, SHARES, 0)
    with pytest.raises(BadInput, match="only 1 group, and no group is divided between the 4"):
        split_by_group(ids, np.zeros(200, dtype=int), ids % 3, SHARES, 0)
