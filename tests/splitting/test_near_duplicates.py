"""Near duplicates are those that comparing every pair of texts finds."""

from itertools import combinations

import networkx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import REAL_ROWS

from preference.battles.table import BATTLE_SCHEMA
from preference.sources.ingest import parse_battles
from preference.sources.readers import read_source_rows
from preference.sources.source import BattleSource
from preference.splitting import near_duplicates
from preference.splitting.near_duplicates import SIMILAR, find_near_duplicates, jaccard
from preference.splitting.shingles import split_words
from preference.splitting.text_sketches import sketch_prompts


def sketch(texts):
    batches = pa.table({"prompt": [[text] for text in texts]}).to_batches(max_chunksize=500)
    return sketch_prompts(batches)


def shingles_of(words):
    words = words.split()
    return {tuple(words[start : start + 5]) for start in range(max(1, len(words) - 4)) if words}


def similar_pairs(texts):
    """Return the near duplicates among texts of words, by the sets of their shingles."""
    shingles = list(map(shingles_of, texts))
    return {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if len(shingles[one] & shingles[other]) >= SIMILAR * len(shingles[one] | shingles[other])
        and shingles[one]
    }


def found_pairs(near):
    """Return the pairs of rows that are near duplicates, those of the same words among them."""
    rows = {text: np.flatnonzero(near.texts == text).tolist() for text in near.texts.tolist()}
    equal = {pair for same in rows.values() for pair in combinations(same, 2)}
    nearly = {
        (min(one, other), max(one, other))
        for left, right in near.pairs.tolist()
        for one in rows[left]
        for other in rows[right]
    }
    return equal | nearly


def planted(random, originals=60, copies=4):
    """Return texts of 1 to 150 words, and copies with some of their words replaced."""
    vocabulary = [f"w{number}" for number in range(3000)]
    texts = []
    for _ in range(originals):
        words = random.choice(vocabulary, random.integers(1, 150))
        texts.append(" ".join(words))
        for share in random.uniform(0, 0.08, copies):
            changed = random.random(len(words)) < share
            new = random.choice(vocabulary, len(words))
            texts.append(" ".join(np.where(changed, new, words)))
    return texts


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_found_is_what_comparing_every_pair_finds(seed):
    texts = planted(np.random.default_rng(seed))
    similar = similar_pairs(texts)
    near = find_near_duplicates(sketch(texts))
    assert len(similar) > 50
    assert found_pairs(near) == similar
    graph = networkx.Graph(similar)
    graph.add_nodes_from(range(len(texts)))
    clusters = near.clusters()
    assert clusters.max() < len(texts)
    for cluster in networkx.connected_components(graph):
        assert set(np.flatnonzero(clusters == clusters[min(cluster)])) == cluster
    others = np.random.default_rng(seed).random(len(texts)) < 0.3
    chosen = set(np.flatnonzero(others).tolist())
    expected = [row in chosen or bool(chosen & set(graph[row])) for row in range(len(texts))]
    assert near.has_one_among(others).tolist() == expected


def test_similarity_is_exact_up_to_the_shingles_kept_and_else_close():
    random = np.random.default_rng(3)
    for words, tolerance in ((8, 1e-12), (300, 1e-12), (4000, 0.05)):
        texts = [" ".join(random.choice(9999, words).astype(str)) for _ in range(10)]
        changed = []
        for text in texts:
            tokens = np.array(text.split(), dtype=object)
            tokens[random.random(words) < 0.04] = "new"
            changed.append(" ".join(tokens))
        left, right = (sketch(side)["shingles"].combine_chunks() for side in (texts, changed))
        sets = [map(shingles_of, side) for side in (texts, changed)]
        exact = [len(one & other) / len(one | other) for one, other in zip(*sets, strict=True)]
        assert jaccard(left, right) == pytest.approx(exact, abs=tolerance)
        assert len(set(exact)) > 1


def test_words_are_without_case_punctuation_and_what_is_not_shown():
    assert (
        split_words("Hello,\u200b  WORLD_1 – c’est «l'été»!")
        == "hello world_1 c est l e\u0301te\u0301".encode()
    )
    assert split_words("東京です, ok") == "東 京 て\u3099 す ok".encode()
    assert split_words("?! 😀") == b""


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("Hi there!", "hi there", True),
        ("hi there", "hi you", False),
        ("one two three four", "one two three four five", False),
        ("??", "!!", False),
        (
            "今日はとても天気がいいので散歩に行きましょう一緒に",
            "今日はとても天気がいいので散歩に行きましょう一緒",
            True,
        ),
        ("今日はとても天気がいい", "明日はまた雨が降るでしょう", False),
    ],
)
def test_short_texts_and_scripts_without_spaces(one, other, similar):
    near = find_near_duplicates(sketch(["some other text", one, other]))
    assert found_pairs(near) == ({(1, 2)} if similar else set())


@pytest.mark.parametrize("texts", [["", "?", "😀"], ["one"], ["", *["?"] * 600, "one", "two"]])
def test_prompts_without_a_word_have_no_near_duplicates(texts):
    near = find_near_duplicates(sketch(texts))
    assert len(near.pairs) == 0
    assert sorted(near.clusters()) == list(range(len(texts)))


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(random):
    texts = [*planted(np.random.default_rng(4), originals=8), "", "?", "hi", "hi"]
    order = random.sample(range(len(texts)), len(texts))
    near = find_near_duplicates(sketch(texts))
    shuffled = find_near_duplicates(sketch([texts[row] for row in order]))
    back = {tuple(sorted((order[i], order[j]))) for i, j in found_pairs(shuffled)}
    assert back == found_pairs(near)


def crowd(count):
    """Return texts that share 40 words, and have one of their own at the end."""
    shared = " ".join(f"word{number}" for number in range(40))
    return [f"{shared} own{number}" for number in range(count)]


def test_a_crowd_of_near_copies_is_one_cluster_at_a_cost_that_grows_as_it_does(monkeypatch):
    compared = []

    def are_similar(left, *others):
        compared.append(len(left))
        return original(left, *others)

    original = near_duplicates._are_similar
    monkeypatch.setattr(near_duplicates, "_are_similar", are_similar)
    costs = []
    for count in (2500, 10_000):
        compared.clear()
        near = find_near_duplicates(sketch(crowd(count)))
        costs.append(sum(compared) / count)
        assert len(set(near.clusters())) == 1
        assert near.has_one_among(np.arange(count) < count // 2).all()
    assert max(costs) < 16
    assert costs[1] < 1.2 * costs[0]


def test_a_pair_is_found_beside_a_crowd_that_begins_as_it_does():
    shared = " ".join(f"word{number}" for number in range(30))
    crowded = [f"{shared} " + " ".join(f"x{n}y{k}" for k in range(12)) for n in range(3000)]
    pair = [f"{shared} " + " ".join(f"pair{k}" for k in range(12)) + end for end in (" a", " b")]
    near = find_near_duplicates(sketch([*crowded, *pair]))
    assert near.clusters()[-1] == near.clusters()[-2]


@pytest.mark.skipif(
    not REAL_ROWS.exists(), reason="../shared/data/arena_head1000.csv.gz is missing"
)
def test_near_duplicates_of_real_prompts_are_those_that_comparing_every_pair_finds():
    source = BattleSource("real", {"real": read_source_rows(REAL_ROWS)})
    battles = list(parse_battles([source], BATTLE_SCHEMA, []))
    prompts = [turns for batch in battles for turns in batch["prompt"].to_pylist()]
    similar = similar_pairs([split_words("\n".join(turns)).decode() for turns in prompts])
    near = find_near_duplicates(sketch_prompts(battles))
    assert found_pairs(near) == similar
    assert len(similar) > 0
