from itertools import combinations

import networkx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.prompt_groups import digest_battles, group_battles
from preference.split_summary import summarize_splits

# Ways to write one text that must not make it another.
VARIANTS = (
    str,
    str.upper,
    lambda text: "  " + text.replace(" ", "\t\n ") + " ",
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in text),
)

variant = st.sampled_from(range(len(VARIANTS)))
texts = st.tuples(st.sampled_from(["", "no", "my straße", "a b", "ab", "c", "d"]), variant)
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
    table = make_table(ids, rows).append_column("label", pa.array([0] * len(rows), pa.int8()))
    groups = group_battles(digest_battles(table.to_batches()))
    whole = {str(g): np.flatnonzero(groups == g) for g in np.unique(groups)}
    summary = summarize_splits(
        {
            name: pa.table({"id": members, "group": groups[members]})
            for name, members in whole.items()
        },
        table.to_batches(),
    )
    assert [summary[f"shared_{what}"] for what in ("groups", "prompts", "answers")] == [0, 0, 0]


def test_summary_counts_leaks():
    rows = [[(t, 0) for t in row] for row in ("pab", "qba", "qcd", "xef", "xgh")]
    table = make_table([1, 2, 3, 4, 5], rows).append_column("label", pa.array([0, 1, 2, 0, 1]))
    splits = {
        "one": pa.table({"id": [1, 3, 4], "group": [1, 1, 4]}),
        "two": pa.table({"id": [2, 5], "group": [1, 4]}),
    }
    summary = summarize_splits(splits, table.to_batches(max_chunksize=2))
    assert summary["shared_groups"] == 2
    assert summary["shared_prompts"] == 2
    assert summary["shared_answers"] == 1
    assert summary["one"] == {
        "rows": 3,
        "groups": 2,
        "label_shares": {"A": 2 / 3, "B": 0.0, "tie": 1 / 3},
    }
