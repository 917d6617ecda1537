import numpy as np
import pyarrow as pa
import pytest

from preference.battles.table import FIELDS
from preference.evaluation.slice_scores import is_few
from preference.evaluation.slices import slice_battles


def battle(prompt="Why?", response_a="Because it is.", response_b="I do not know at all."):
    as_turns = [[text] if isinstance(text, str) else text for text in (prompt, response_a)]
    return (*as_turns, [response_b] if isinstance(response_b, str) else response_b)


def table_of(battles):
    columns = zip(FIELDS, zip(*battles, strict=True), strict=True)
    return pa.table({name: list(values) for name, values in columns})


def parts_of(name, *battles, labels=None, truncated=None):
    """Return the rows of each part of one division."""
    table = table_of(battles)
    labels = np.zeros(len(battles), dtype=int) if labels is None else np.array(labels)
    slices = slice_battles(table, labels, truncated or {})
    return {one.part: np.flatnonzero(one.members).tolist() for one in slices if one.slice == name}


def test_turns():
    several = battle(["Why?", "And then?"], ["a", "b"], ["c", "d"])
    assert parts_of("turns", battle(), several) == {"one": [0], "several": [1]}


def test_labels_are_those_given():
    three = [battle()] * 3
    assert parts_of("label", *three, labels=[2, 0, 2]) == {"A": [1], "tie": [0, 2]}


def test_each_way_to_cut_is_a_division_of_its_own():
    ways = {"short": np.array([True, True, False]), "long": np.array([False, True, False])}
    three = [battle()] * 3
    assert parts_of("short", *three, truncated=ways) == {"no": [2], "yes": [0, 1]}
    assert parts_of("long", *three, truncated=ways) == {"no": [0, 2], "yes": [1]}
    assert parts_of("short", *three) == parts_of("long", *three) == {}


def test_identical_answers():
    same = battle(response_a="x", response_b="x")
    turns = battle(["a", "b"], ["x", "y"], ["x", "z"])
    expected = {"different": [0, 2], "identical": [1]}
    assert parts_of("answers", battle(), same, turns) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Ein Mädchen aß Grießbrei", "Latin"),
        ("Tiếng Việt có dấu", "Latin"),
        ("12 + 30 = 42 🙂🙂🙂", "Latin"),
        ("Почему небо голубое?", "other"),
        ("空はなぜ青いのですか", "other"),
        ("لماذا السماء زرقاء", "other"),
        ("The word небо means sky, and that is all there is to say about it.", "Latin"),
    ],
)
def test_script(text, part):
    assert parts_of("script", battle(text, text, text)) == {part: [0]}


def test_code_is_a_fence_in_any_text():
    fence = "```python\nprint()\n```"
    found = parts_of("code", battle(), battle(fence), battle(response_b=fence))
    assert found == {"no": [0], "yes": [1, 2]}


def test_longer_answer():
    found = parts_of(
        "longer answer",
        battle(response_a="x" * 100, response_b="x" * 50),
        battle(response_a="x" * 50, response_b="x" * 100),
        battle(response_a="x" * 100, response_b="x" * 95),
        battle(response_a="", response_b=""),
    )
    assert found == {"A": [0], "B": [1], "neither": [2, 3]}


def test_response_length_has_thirds():
    battles = [battle(response_a="x" * length, response_b="x") for length in (9, 1, 5, 20, 2, 11)]
    found = parts_of("response length", *battles)
    assert found == {"short": [1, 4], "medium": [0, 2], "long": [3, 5]}


def test_every_division_has_every_battle_once():
    random = np.random.default_rng(0)
    battles = [battle(response_a="é" * random.integers(50)) for _ in range(40)]
    table = table_of(battles)
    ways = {name: random.integers(2, size=40) > 0 for name in ("long", "longer")}
    slices = slice_battles(table, random.integers(3, size=40), ways)
    divisions = {one.slice for one in slices}
    assert len(divisions) == 9
    for name in divisions:
        members = [one.members for one in slices if one.slice == name]
        assert np.sum(members, axis=0).tolist() == [1] * 40


def test_small_parts_are_few():
    assert not is_few(rows=100, groups=50)
    assert is_few(rows=99, groups=99)
    assert is_few(rows=1000, groups=49)


def test_columns_of_the_source_divide_by_their_values_the_most_frequent_first():
    table = table_of([battle()] * 5)
    table = table.append_column("language", pa.array(["de", "en", None, "en", "en"]))
    table = table.append_column("subset", pa.nulls(5, pa.string()))
    slices = slice_battles(table, np.zeros(5, dtype=int), {})
    found = [(one.part, np.flatnonzero(one.members).tolist()) for one in slices
             if one.slice in ("language", "subset")]  # fmt: skip
    assert found == [("en", [1, 3, 4]), ("de", [0])]
