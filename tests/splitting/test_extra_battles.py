"""Extra battles are more of train, and change nothing about the other battles."""

import json
from collections import Counter
from itertools import combinations

import networkx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fetch_runs import as_text, assert_refused, make_rows, read_outputs, run_stage, write_csv
from hypothesis import assume, given
from hypothesis import strategies as st

from preference.splitting.extra_battles import add_extra_battles
from preference.splitting.leakage_groups import digest_battles, group_battles

SPLITS = ("train", "valid", "calibration", "test")
RELEASE, KAGGLE = "data/extra/release.jsonl", "data/extra/more.csv"


def make_release(name, prompts, answers, **changes):
    """Return a row of a release with these turns; `answers` are those of A and B."""
    sides = {
        f"conversation_{side}": [
            {"role": role, "content": text}
            for prompt, answer in zip(prompts, texts, strict=True)
            for role, text in (("user", prompt), ("assistant", answer))
        ]
        for side, texts in zip("ab", answers, strict=True)
    }
    return {
        "question_id": name,
        "model_a": "m",
        "model_b": "n",
        "winner": "tie",
        **sides,
        **changes,
    }


def own(number):
    """Return prompts and answers that no other battle has."""
    return [f"extra question {number}"], [[f"extra a {number}"], [f"extra b {number}"]]


def main_rows(count=300):
    rows = make_rows(count)
    for row in rows:
        row["response_a"] = [f"A answers {row['id']}", "and more"]
        row["response_b"] = [f"B answers {row['id']}", "and more"]
    return rows


def release_rows(main):
    """Return rows, and the names of those that are to be in train."""
    linked = [
        make_release("same prompt", main[0]["prompt"], [["x", "y"], ["z", "w"]]),
        make_release("same opening", [main[1]["prompt"][0].upper()], [["x1"], ["z1"]]),
        make_release("same answers", ["p2", "q2"], [main[2]["response_b"], main[2]["response_a"]]),
        make_release("linked by a link", ["p3", "q3"], [["x", "y"], ["z", "w"]]),
        make_release("and by that one", ["p3"], [["x4"], ["z4"]]),
    ]
    # These would join two groups of the main battles, were they not kept out of the grouping.
    bridges = [
        make_release(
            f"bridge {n}", main[n]["prompt"], [main[n + 150][f"response_{s}"] for s in "ab"]
        )
        for n in range(3, 40)
    ]
    free = [make_release(f"free {number}", *own(number)) for number in range(50)]
    repeated = [make_release("again", [" EXTRA  question 0 "], [["u"], ["v"]])]
    bad = [make_release("bad", *own("bad"), winner="nobody")]
    return [*linked, *bridges, *free, *repeated, *bad]


def write_jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_files(folder):
    main = main_rows()
    write_csv(folder / "main.csv", list(map(as_text, main)))
    write_jsonl(folder / RELEASE, release_rows(main))
    # With ids of the main battles, and prompts of their own.
    more = [row | {"prompt": [f"kaggle {row['id']}", "and?"]} for row in make_rows(20)]
    for row in more:
        row["response_a"], row["response_b"] = ([f"{row['id']} {side}", "k"] for side in "ab")
    write_csv(folder / KAGGLE, list(map(as_text, more)))


def run(folder, extra, **changes):
    for stage in ("fetch", "split"):
        result = run_stage(folder, stage, "main.csv", extra=extra, **changes)
        assert result.returncode == 0, result.stderr
    tables = {name: pq.read_table(folder / "data" / "split" / f"{name}.parquet") for name in SPLITS}
    return tables, json.loads((folder / "metrics" / "split.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder after a run with extra battles, and what both runs gave."""
    folder = tmp_path_factory.mktemp("extra")
    write_files(folder)
    without = run(folder, [])
    return folder, without, run(folder, [RELEASE, KAGGLE], max_quarantined=0.02)


def test_the_other_battles_are_split_as_without_extra_ones(runs):
    _, (without, _), (splits, _) = runs
    for name in ("valid", "calibration", "test"):
        assert splits[name].select(["id", "group"]).equals(without[name].select(["id", "group"]))
    train = splits["train"].to_pandas()
    others = train[train["id"] >= 0].reset_index(drop=True)
    assert others.equals(without["train"].to_pandas())
    assert len(train) > len(others)


def test_no_extra_battle_shares_a_text_with_another_one(runs):
    """By the texts themselves: prompts, openings and pairs of answers, without case and space."""
    folder, _, (splits, summary) = runs
    battles = read_outputs(folder)[0].to_pylist()
    in_train = set(splits["train"]["id"].to_pylist())
    extra, main = {}, set()
    for battle in battles:
        texts = {
            name: " ".join(" ".join(battle[name]).split()).casefold()
            for name in ("prompt", "response_a", "response_b")
        }
        answers = frozenset((texts["response_a"], texts["response_b"]))
        opening = battle["prompt"][0].strip().casefold()
        marks = {("prompt", texts["prompt"]), ("opening", opening), ("answers", answers)}
        if battle["source"] == "main.csv":
            main |= marks
        elif battle["id"] in in_train:
            extra[battle["id"]] = marks
    assert len(extra) == 51 + 20
    assert not main & set().union(*extra.values())
    assert [summary[f"shared_{what}"] for what in ("groups", "prompts", "answers")] == [0, 0, 0]


def test_what_is_added_and_left_out_is_counted(runs):
    folder, (_, before), (splits, summary) = runs
    assert before["extra"] == {}
    assert summary["extra"] == {
        RELEASE: {"rows_in_train": 51, "rows_left_out": 5 + 37},
        KAGGLE: {"rows_in_train": 20, "rows_left_out": 0},
    }
    assert summary["train"]["rows"] == before["train"]["rows"] + 71 == len(splits["train"])
    battles, quarantined, metrics = read_outputs(folder)
    counts = {"main.csv": 300, RELEASE: 93, KAGGLE: 20}
    assert Counter(battles["source"].to_pylist()) == counts
    assert {name: row["rows_kept"] for name, row in metrics["sources"].items()} == counts
    assert metrics["sources"][RELEASE]["rows_quarantined"] == 1
    reason = "winner is not a, b, tie, model_a, model_b or both_bad"
    assert quarantined == [{"source": RELEASE, "line": 94, "reason": reason, "id": "bad"}]


def test_extra_battles_that_belong_together_have_one_group(runs):
    folder, _, (splits, _) = runs
    ids = [
        battle["id"]
        for battle in read_outputs(folder)[0].to_pylist()
        if " ".join(battle["prompt"][0].split()).lower() == "extra question 0"
    ]
    train = splits["train"]
    group_of = dict(zip(train["id"].to_pylist(), train["group"].to_pylist(), strict=True))
    assert len(ids) == 2
    assert {group_of[one] for one in ids} == {min(ids)}


def test_an_extra_battle_keeps_its_id_whatever_else_is_read(runs, tmp_path):
    folder, _, _ = runs
    write_files(tmp_path)
    reversed_lines = (tmp_path / RELEASE).read_text().splitlines(keepends=True)[::-1]
    (tmp_path / RELEASE).write_text("".join(reversed_lines))
    run(tmp_path, [RELEASE], max_quarantined=0.02)
    ids = [
        {
            json.dumps([battle["prompt"], battle["response_a"]]): battle["id"]
            for battle in read_outputs(one)[0].to_pylist()
            if battle["source"] == RELEASE
        }
        for one in (folder, tmp_path)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0].values())) == 93
    assert all(number < 0 for number in ids[0].values())


def test_an_extra_file_that_is_missing_is_named_before_anything_is_read(tmp_path):
    write_csv(tmp_path / "main.csv", list(map(as_text, main_rows(3))))
    result = run_stage(tmp_path, "fetch", "main.csv", extra=[RELEASE])
    assert_refused(tmp_path, result, f"{RELEASE} does not exist", "params.yaml")
    assert "rows" not in result.stderr


def test_too_many_bad_rows_of_an_extra_file_stop_the_stage(tmp_path):
    """Though they are few among the rows of all sources."""
    write_csv(tmp_path / "main.csv", list(map(as_text, main_rows())))
    rows = [make_release(str(n), *own(n), winner="nobody" if n < 2 else "tie") for n in range(5)]
    write_jsonl(tmp_path / RELEASE, rows)
    result = run_stage(tmp_path, "fetch", "main.csv", extra=[RELEASE])
    assert_refused(
        tmp_path,
        result,
        f"{RELEASE}: 2 of 5 rows",
        "winner is not a, b, tie, ",
    )


texts = st.sampled_from("abcde")
rows_of_texts = st.lists(st.tuples(st.booleans(), texts, texts, texts), min_size=1, max_size=20)


def true_components(rows):
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(rows)))
    for (one, left), (two, right) in combinations(enumerate(rows), 2):
        (_, prompt, *answers), (_, other_prompt, *other_answers) = left, right
        if prompt == other_prompt or sorted(answers) == sorted(other_answers):
            graph.add_edge(one, two)
    return list(networkx.connected_components(graph))


@given(rows_of_texts)
def test_extra_battles_are_in_train_unless_a_chain_leads_to_another_battle(rows):
    # A source without a battle never gets here: `fetch` stops.
    assume(not all(extra for extra, *_ in rows))
    is_extra = np.array([extra for extra, *_ in rows])
    ids = np.where(is_extra, -1, 1) * np.arange(10, 10 + len(rows))
    table = pa.table(
        {
            "id": ids,
            **{
                name: [[row[column]] for row in rows]
                for column, name in enumerate(("prompt", "response_a", "response_b"), start=1)
            },
        }
    )
    digests = digest_battles(table.to_batches())
    main = pa.table({"id": ids[~is_extra], "group": group_battles(digests.filter(~is_extra))})
    splits = {"train": main.slice(0, 3), "test": main.slice(3)}
    added = add_extra_battles(splits, ids, group_battles(digests), is_extra)
    assert added["test"].equals(splits["test"])
    expected = dict(zip(*splits["train"].to_pydict().values(), strict=True))
    for members in true_components(rows):
        if is_extra[list(members)].all():
            expected |= {int(ids[one]): int(min(ids[list(members)])) for one in members}
    assert dict(zip(*added["train"].to_pydict().values(), strict=True)) == expected
    assert added["train"]["id"].to_pylist() == sorted(expected)
