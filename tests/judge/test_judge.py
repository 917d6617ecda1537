"""`PreferenceJudge`, which the tests of `predict` compare with the model itself."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from itertools import count, islice, pairwise

import numpy as np
import pytest
from small_bundle import WORDS, make_battles, write_bundle

from preference.battles.table import FIELDS
from preference.judge.judge import Preference, PreferenceJudge
from preference.runtime.errors import BadInput
from preference.tokenizers.tokenize import tokenize_conversations


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("judge") / "models" / "exp2")


@pytest.fixture(scope="module")
def judge(folder):
    return PreferenceJudge.load(str(folder))


def as_row(preference):
    return [preference.a_wins, preference.b_wins, preference.tie]


def test_the_documented_example_runs(folder, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PreferenceJudge.__doc__, re.DOTALL)
    lines = [line.removeprefix("    ") for line in example.splitlines()]
    monkeypatch.chdir(folder.parents[1])
    exec("\n".join(lines), {"PreferenceJudge": PreferenceJudge})
    printed = capsys.readouterr().out.split()
    assert [word for word in printed if word in ("A", "B", "tie")] == [printed[0], *printed[4:]]
    assert len(printed) == 6
    assert sum(map(float, printed[1:4])) == pytest.approx(1)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_bundle_of_simulated_battles_says_so_once(tmp_path, caplog, simulated):
    bundle = write_bundle(tmp_path / "mod\033[31mels" / "small", simulated=simulated)
    judge = PreferenceJudge.load(bundle)
    judge.compare("soup", "bread", "rake")
    said = [record.getMessage() for record in caplog.records if record.name == "preference"]
    assert len(said) == simulated
    assert all("was trained on simulated battles alone" in message for message in said)
    assert all(message.isprintable() for message in said)


def test_one_by_one_and_together_give_the_same(judge):
    battles = [("soup?", "bread", "rake whale"), ("tide", "", "seven"), ("oven", "a", "a")]
    together = [as_row(one) for one in judge.compare_many(battles)]
    assert np.std(together, axis=0).min() > 1e-3
    one_by_one = [as_row(judge.compare(*battle)) for battle in battles]
    np.testing.assert_allclose(one_by_one, together, atol=1e-6)
    assert np.sum(together, axis=1) == pytest.approx(1)


def test_a_text_is_a_conversation_of_one_turn(judge):
    assert judge.compare("soup", "bread", "rake") == judge.compare(["soup"], ["bread"], ("rake",))
    # A text that looks like a JSON list is a text here, although a file would hold turns so.
    assert judge.compare('["soup"]', "bread", "rake") != judge.compare("soup", "bread", "rake")


def test_turns_are_joined_and_a_null_turn_is_an_empty_one(judge):
    turns = judge.compare(["soup", "tide"], ["bread", None], ["rake", "oven"])
    assert turns == judge.compare(["soup", "tide"], ["bread", ""], ["rake", "oven"])
    assert turns != judge.compare(["soup"], ["bread"], ["rake"])


def test_both_orders_do_not_care_which_answer_is_first(folder):
    judge = PreferenceJudge.load(folder, both_orders=True)
    there, back = judge.compare("soup", "bread", "rake"), judge.compare("soup", "rake", "bread")
    np.testing.assert_allclose(as_row(there), [back.b_wins, back.a_wins, back.tie], atol=1e-6)


@pytest.mark.parametrize(
    ("probabilities", "winner"),
    [((0.5, 0.3, 0.2), "A"), ((0.2, 0.5, 0.3), "B"), ((0.3, 0.2, 0.5), "tie")],
)
def test_the_winner_is_the_most_probable(probabilities, winner):
    assert Preference(*probabilities).winner == winner


def test_battles_are_read_as_they_are_asked_for(judge, monkeypatch):
    monkeypatch.setattr("preference.judge.judge.BATTLES_A_BATCH", 2)
    endless = (("soup", f"bread {number}", "rake") for number in count())
    assert len(list(islice(judge.compare_many(endless), 5))) == 5
    assert list(judge.compare_many([])) == []


def test_threads_may_share_a_judge(judge):
    questions = [[(f"{word} {number}", "bread", "rake") for number in range(30)] for word in WORDS]
    alone = [[as_row(one) for one in judge.compare_many(battles)] for battles in questions]
    with ThreadPoolExecutor(len(questions)) as pool:
        together = pool.map(lambda battles: list(judge.compare_many(battles)), questions)
        shared = [[as_row(one) for one in preferences] for preferences in together]
    assert np.std(alone, axis=(0, 1)).min() > 1e-3
    assert shared == alone


def test_a_battle_that_is_none_is_told_by_its_number(judge):
    battles = [("soup", "bread", "rake"), (["soup"], ["bread", "more"], ["rake"])]
    with pytest.raises(BadInput, match="battle 2: unequal turns"):
        list(judge.compare_many(battles))
    with pytest.raises(BadInput, match="battle 1: no turns"):
        judge.compare([], [], [])


@pytest.mark.parametrize(
    ("battle", "message"),
    [
        ((None, "bread", "rake"), "prompt is None"),
        (("soup", 5, "rake"), "a is of the type int"),
        (("soup", "bread", float("nan")), "b is of the type float"),
        (({"soup": 1}, ["bread"], ["rake"]), "prompt is of the type dict"),
        ((["soup"], {"bread"}, ["rake"]), "a is of the type set"),
        (("soup", "bread", b"rake"), "b is of the type bytes"),
        ((["soup"], ["bread"], [["rake"]]), "a turn of b is of the type list"),
        ((["soup"], [7], ["rake"]), "a turn of a is of the type int"),
    ],
)
def test_an_argument_that_is_no_text_is_named(judge, battle, message):
    with pytest.raises(BadInput, match=f"battle 1: {message}. Give each of prompt, a and b as"):
        judge.compare(*battle)
    with pytest.raises(BadInput, match=f"battle 2: {message}. Give each"):
        list(judge.compare_many([("soup", "bread", "rake"), battle]))


@pytest.mark.parametrize(
    ("battles", "message"),
    [
        (None, "battles is None"),
        (7, "battles is of the type int"),
        ("soup", "battles is of the type str"),
        ({("soup", "bread", "rake"): 1}, "battles is of the type dict"),
        ([None], "battle 1: the battle is None"),
        # A text is not read as a battle of three letters.
        (["abc"], "battle 1: the battle is of the type str"),
        ([{"a": 1, "b": 2, "c": 3}], "battle 1: the battle is of the type dict"),
        ([("soup", "bread")], "battle 1: it has 2 parts, and not 3"),
    ],
)
def test_battles_of_another_form_are_told(judge, battles, message):
    with pytest.raises(BadInput, match=message):
        list(judge.compare_many(battles))


def test_turns_may_come_from_anything_that_has_an_order(judge):
    expected = judge.compare(["soup", "tide"], ["bread", "oven"], ["rake", ""])
    arrays = [np.array(turns) for turns in (["soup", "tide"], ["bread", "oven"], ["rake", ""])]
    assert judge.compare(*arrays) == expected
    assert judge.compare(*map(iter, arrays)) == expected
    assert next(judge.compare_many(iter([iter(arrays)]))) == expected


def test_tokens_in_memory_are_those_of_the_texts(judge):
    battles = [
        {"prompt": ["soup", "a"], "response_a": ["bread", ""], "response_b": ["rake", "oven"]},
        {"prompt": ["tide"], "response_a": ["seven"], "response_b": ["eight"]},
    ]
    tokenizer = judge._predict.tokenizer
    tokens = tokenize_conversations(battles, tokenizer)
    assert tokens.battle_ids.tolist() == [0, 1]
    assert tokens.turn_offsets.tolist() == [0, 2, 3]
    for name, field in tokens.fields.items():
        texts = [turn for battle in battles for turn in battle[name]]
        found = [field.ids[a:b].tolist() for a, b in pairwise(field.offsets)]
        assert found == [np.asarray(tokenizer(text)).tolist() for text in texts]
    assert (tokens.special.cls, tokens.special.sep, tokens.special.pad) == (1, 2, 0)


def test_small_battles_are_of_several_turns():
    """What the other tests rely on."""
    assert len({row["prompt"].count(",") for row in make_battles(20)}) > 1


@pytest.mark.parametrize("both_orders", [False, True])
def test_a_bundle_of_battles_without_ties_predicts_none(tmp_path, judge, both_orders):
    """The other two probabilities are those of A and B alone, with their temperature."""
    without = write_bundle(tmp_path / "small", prior=[0.6, 0.4, 0.0])
    rows = [tuple(row[name] for name in FIELDS) for row in make_battles(9)]
    probabilities = np.array(
        [astuple(one) for one in PreferenceJudge.load(without, both_orders).compare_many(rows)]
    )
    assert (probabilities[:, 2] == 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)
    with_ties = np.array([astuple(one) for one in judge.compare_many(rows)])
    assert with_ties[:, 2].min() > 0.01
    if not both_orders:
        decided = with_ties[:, :2] / with_ties[:, :2].sum(axis=1, keepdims=True)
        assert probabilities[:, :2] == pytest.approx(decided, abs=1e-6)
