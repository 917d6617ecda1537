import unicodedata
from itertools import combinations

import networkx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.splitting.leak_check import summarize_folds
from preference.splitting.leakage_groups import digest_battles, group_battles

# Ways to write one text that must not make it another.
VARIANTS = (
    str,
    str.upper,
    lambda text: "\u200b" + "\u00ad".join(text) + "\ufe0f\x00",
    lambda text: unicodedata.normalize("NFD", text).replace("o", "\u2060o"),
    lambda text: "  " + text.replace(" ", "\t\n ") + " ",
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in text),
)

variant = st.sampled_from(range(len(VARIANTS)))
texts = st.tuples(st.sampled_from(["", "no", "my straße", "a b", "ab", "é", "d"]), variant)
battles_of_texts = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=25)


def render(text):
    words, number = text
    return VARIANTS[number](words)


def make_table(ids, rows):
    columns = zip(*rows, strict=True)
    prompt, response_a, response_b = ([[render(t)] for t in column] for column in columns)
    return pa.table(
        {"id": ids, "prompt": prompt, "response_a": response_a, "response_b": response_b}
    )


def true_components(ids, rows):
    """Group by comparing every battle with every other, on the texts before they were varied."""
    graph = networkx.Graph()
    graph.add_nodes_from(ids)
    for (one, left), (two, right) in combinations(zip(ids, rows, strict=True), 2):
        (prompt, *answers), (other_prompt, *other_answers) = (
            [words for words, _ in row] for row in (left, right)
        )
        if prompt == other_prompt or sorted(answers) == sorted(other_answers):
            graph.add_edge(one, two)
    return {one: min(group) for group in networkx.connected_components(graph) for one in group}


@given(battles_of_texts, st.randoms(use_true_random=False))
def test_groups_are_the_connected_components_whatever_the_order(rows, random):
    ids = random.sample(range(-50, 1000), len(rows))
    groups = group_battles(digest_battles(make_table(ids, rows).to_batches())).tolist()
    assert dict(zip(ids, groups, strict=True)) == true_components(ids, rows)


def group(*rows):
    table = make_table(list(range(len(rows))), [[(t, 0) for t in r] for r in rows])
    return group_battles(digest_battles(table.to_batches()))


def test_reversed_answers_and_chains_are_one_group():
    chain = group(
        ("p", "a", "b"), ("q", "b", "a"), ("q", "c", "d"), ("r", "d", "c"), ("s", "a", "c")
    )
    assert chain.tolist() == [0, 0, 0, 0, 4]


def test_one_answer_in_common_is_no_link():
    assert group(("p", "a", "b"), ("q", "a", "c"), ("r", "a", "a")).tolist() == [0, 1, 2]


def test_conversations_that_begin_alike_are_one_group():
    table = pa.table(
        {
            "id": [1, 2, 3],
            "prompt": [["hi"], ["HI ", "more"], ["more", "hi"]],
            "response_a": [["a"], ["b", "x"], ["c", "x"]],
            "response_b": [["d"], ["e", "x"], ["f", "x"]],
        }
    )
    assert group_battles(digest_battles(table.to_batches())).tolist() == [1, 1, 3]


@pytest.mark.parametrize("sizes", [(4,), (1, 2, 1), (2, 0, 2), (1, 1, 1, 1)])
def test_groups_do_not_depend_on_the_batches(sizes):
    table = make_table(
        [5, 6, 7, 8], [[(t, 0) for t in row] for row in ("pab", "qcd", "rba", "qef")]
    )
    batch = table.to_batches()[0]
    batches = [batch.slice(sum(sizes[:n]), size) for n, size in enumerate(sizes)]
    assert group_battles(digest_battles(batches)).tolist() == [5, 6, 5, 6]


@given(battles_of_texts)
def test_groups_share_no_text(rows):
    ids = list(range(len(rows)))
    table = make_table(ids, rows)
    groups = group_battles(digest_battles(table.to_batches()))
    assert count_shared(table, groups) == [0, 0, 0]


def test_the_check_finds_what_a_fault_in_the_folding_divides(monkeypatch):
    monkeypatch.setattr("preference.battles.text_digests.fold_text", str.encode)
    rows = [(("one text", 0), (str(n), 0), (f"{n}b", 0)) for n in range(len(VARIANTS))]
    rows = [((words, n), a, b) for n, ((words, _), a, b) in enumerate(rows)]
    table = make_table(list(range(len(rows))), rows)
    groups = group_battles(digest_battles(table.to_batches()))
    assert len(set(groups)) == len(rows)
    assert count_shared(table, groups) == [0, 1, 0]


def count_shared(table, groups):
    """Count what is shared where each group is a split of its own."""
    table = table.append_column("label", pa.array([0] * len(table), pa.int8()))
    splits = {
        str(group): pa.table({"id": table["id"].filter(groups == group), "group": [group] * size})
        for group, size in zip(*np.unique(groups, return_counts=True), strict=True)
    }
    splits = {name: with_marks(split) for name, split in splits.items()}
    summary = summarize_folds([splits], table.to_batches())
    return [summary[f"shared_{what}"] for what in ("groups", "prompts", "answers")]


def with_marks(split, marks=None):
    return split.append_column("near_duplicate", pa.array(marks or [False] * len(split)))


def test_summary_counts_leaks():
    rows = [[(t, 0) for t in row] for row in ("pab", "qba", "qcd", "xef", "xgh")]
    table = make_table([1, 2, 3, 4, 5], rows).append_column("label", pa.array([0, 1, 2, 0, 1]))
    splits = {
        "train": with_marks(pa.table({"id": [1, 3, 4], "group": [1, 1, 4]})),
        "two": with_marks(pa.table({"id": [2, 5], "group": [1, 4]}), [True, False]),
    }
    summary = summarize_folds([splits], table.to_batches(max_chunksize=2))
    assert summary["shared_groups"] == 2
    assert summary["shared_prompts"] == 2
    assert summary["shared_answers"] == 1
    assert (summary["two"]["near_duplicates"], summary["two"]["near_duplicate_rate"]) == (1, 0.5)
    assert summary["train"] == {
        "rows": 3,
        "groups": 2,
        "label_shares": {"A": 2 / 3, "B": 0.0, "tie": 1 / 3},
    }
