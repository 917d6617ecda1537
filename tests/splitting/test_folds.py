"""Folds: every battle is in test once, and each fold is split as well as a single split is."""

import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from fetch_runs import as_text, make_rows, run_stage, write_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from preference.battles.splits import read_split_battles, read_split_ids
from preference.runtime.errors import BadInput
from preference.splitting.folds import split_into_folds

SHARES = {"train": 0.6, "valid": 0.1, "calibration": 0.1, "test": 0.2}
EXTRA = "data/extra/more.csv"


def arena(count, seed=0):
    """Return ids, groups and labels; most groups are single battles, a few are large."""
    random = np.random.default_rng(seed)
    sizes = [40, 25, *np.minimum(random.zipf(2.5, count), 15).tolist()]
    groups = np.repeat(np.arange(len(sizes)), sizes)[:count]
    labels = random.choice(3, count, p=[0.35, 0.34, 0.31])
    return random.permutation(10 * count)[:count], groups, labels


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(2, 6), st.randoms())
def test_each_battle_is_tested_once_and_no_fold_divides_a_group(seed, data_seed, count, random):
    ids, groups, labels = arena(400, data_seed)
    folds = split_into_folds(ids, groups, labels, SHARES, count, seed)
    order = np.array(random.sample(range(400), 400))
    again = split_into_folds(ids[order], groups[order], labels[order], SHARES, count, seed)
    assert len(folds) == count
    tested = Counter(one for splits in folds for one in splits["test"]["id"].to_pylist())
    assert tested == Counter(ids.tolist())
    group_of = dict(zip(ids.tolist(), groups.tolist(), strict=True))
    for splits, other in zip(folds, again, strict=True):
        assert all(splits[name].equals(other[name]) for name in SHARES)
        members = [one for name in SHARES for one in splits[name]["id"].to_pylist()]
        assert sorted(members) == sorted(ids.tolist())
        owners = {}
        for name in SHARES:
            for row in splits[name].to_pylist():
                assert row["group"] == group_of[row["id"]]
                assert owners.setdefault(row["group"], name) == name


def test_sizes_and_labels_are_in_proportion():
    ids, groups, labels = arena(6_000)
    label_of = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    for splits in split_into_folds(ids, groups, labels, SHARES, 4, 0):
        for name, share in SHARES.items():
            wanted = 1 / 4 if name == "test" else 3 / 4 * share / 0.8
            chosen = Counter(label_of[one] for one in splits[name]["id"].to_pylist())
            for label in range(3):
                assert abs(chosen[label] - wanted * (labels == label).sum()) <= 3


def test_bad_folds_are_refused_in_one_line():
    ids = np.arange(200)

    def refusal(groups, labels, folds):
        with pytest.raises(BadInput) as caught:
            split_into_folds(ids, groups, labels, SHARES, folds, 0)
        return str(caught.value)

    said = refusal(ids // 50, ids % 3, 5)
    assert "only 4 groups, and no group is divided between the 5 folds" in said
    assert "lower split.folds" in said
    # Three ties, of which two folds have none.
    said = refusal(ids, np.where(ids < 3, 2, ids % 2), 5)
    assert re.match(r"fold \d of 5 has \d+ battles, none with label tie", said)
    # Every fold has a tie, and no calibration does.
    said = refusal(ids, np.where(ids < 5, 2, ids % 2), 5)
    assert " split of fold 1 of 5 has " in said and "none with label tie" in said
    assert "\n" not in said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What `fetch` and `split` write with three folds and extra battles, some of them linked."""
    folder = tmp_path_factory.mktemp("folds")
    rows = make_rows(330)
    for row in rows:
        row["response_a"], row["response_b"] = ([f"{row['id']} {side}", ""] for side in "ab")
    for one, other in zip(rows[:300:10], rows[1:300:10], strict=True):
        other["prompt"] = [turn.upper() for turn in one["prompt"]]
    main, extra = rows[:300], rows[300:]
    for number, row in enumerate(extra[:8]):
        row["prompt"] = main[10 * number]["prompt"]
    write_csv(folder / "main.csv", list(map(as_text, main)))
    (folder / EXTRA).parent.mkdir(parents=True)
    write_csv(folder / EXTRA, list(map(as_text, extra)))
    for stage in ("fetch", "split"):
        done = run_stage(folder, stage, "main.csv", split={"folds": 3}, extra=[EXTRA])
        assert done.returncode == 0, done.stderr
    assert "the first of 3 folds: train " in done.stdout
    return folder


def read_folds(folder):
    """Return by fold and split the prompt of each battle, as a reader sees it."""
    battles = pd.read_parquet(folder / "data/battles.parquet").set_index("id")
    prompts = battles["prompt"].map(lambda turns: " ".join(turns).casefold())
    folds = {}
    for name in SHARES:
        members = pd.read_parquet(folder / f"data/split/{name}.parquet")
        for fold, rows in members.groupby("fold"):
            folds.setdefault(fold, {})[name] = prompts.loc[rows["id"]]
    return battles, folds


def test_the_stage_writes_the_rows_of_every_fold_and_no_fold_leaks(folder):
    battles, folds = read_folds(folder)
    assert list(folds) == [1, 2, 3]
    for splits in folds.values():
        owners = Counter(prompt for prompts in splits.values() for prompt in set(prompts))
        assert max(owners.values()) == 1
        free = battles.index[battles["source"] == EXTRA].difference(splits["train"].index)
        assert len(free) == 8
        assert sum(map(len, splits.values())) == 322
    tested = [one for splits in folds.values() for one in splits["test"].index]
    assert sorted(tested) == sorted(battles.index[battles["source"] != EXTRA])
    summary = json.loads((folder / "metrics/split.json").read_text())
    assert [summary[f"shared_{what}"] for what in ("groups", "prompts", "answers")] == [0, 0, 0]
    for fold, found in zip(folds.values(), summary["folds"], strict=True):
        assert {name: found[name]["rows"] for name in SHARES} == {
            name: len(fold[name]) for name in SHARES
        }
    assert summary["extra"][EXTRA] == {"rows_in_train": 22, "rows_left_out": 8}


def test_a_fold_is_read_alone(folder):
    _, folds = read_folds(folder)
    path = folder / "data/split/valid.parquet"
    read = read_split_battles(folder / "data/battles.parquet", path, ("label",), 2)
    assert read["id"].to_pylist() == folds[2]["valid"].index.tolist()
    assert set(read.column_names) == {"id", "label", "group", "near_duplicate", "fold"}
    with pytest.raises(BadInput, match=r"has no fold 4. Run `dvc repro split`"):
        read_split_battles(folder / "data/battles.parquet", path, ("label",), 4)


def test_a_single_split_has_no_folds(folder, monkeypatch):
    done = run_stage(folder, "split", "main.csv", extra=[EXTRA])
    assert done.returncode == 0, done.stderr
    for name in SHARES:
        rows = pd.read_parquet(folder / f"data/split/{name}.parquet")
        said = f"{name} {len(rows)} battles in {rows['group'].nunique()} groups"
        assert said in done.stdout
    monkeypatch.chdir(folder)
    members = pd.read_parquet("data/split/test.parquet")
    assert list(members) == ["id", "group", "near_duplicate"]
    assert read_split_ids("test").tolist() == members["id"].tolist()
    assert "folds" not in json.loads((folder / "metrics/split.json").read_text())
    with pytest.raises(BadInput, match="has no fold 1"):
        read_split_ids("test", 1)
