import json
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preference.battles.table import BATTLE_SCHEMA
from preference.sources.row_parser import MALFORMED, NotABattle, parse_battle, parse_id

ROW = {
    "id": "30192",
    "model_a": "m",
    "model_b": "n",
    "prompt": '["q"]',
    "response_a": '["a"]',
    "response_b": '["b"]',
    "winner_model_a": "0",
    "winner_model_b": "1",
    "winner_tie": "0",
}


def test_a_row_as_text():
    assert parse_battle(ROW) == {
        "id": 30192,
        "source_id": "30192",
        "prompt": ["q"],
        "response_a": ["a"],
        "response_b": ["b"],
        "label": 1,
        "shares": [0, 1, 0],
        "weight": 1,
        "model_a": "m",
        "model_b": "n",
        "language": None,
        "subset": None,
    }


def test_native_values_give_the_same_battle_as_text():
    lists = {name: json.loads(ROW[name]) for name in ("prompt", "response_a", "response_b")}
    for no, yes in ((0, 1), (0.0, 1.0), (False, True)):
        winners = {"winner_model_a": no, "winner_model_b": yes, "winner_tie": no}
        assert parse_battle(ROW | lists | winners | {"id": 30192}) == parse_battle(ROW)


@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("0.0", "1.0"), ("False", "True")])
def test_label_is_the_column_of_the_winner(label, no, yes):
    columns = ("winner_model_a", "winner_model_b", "winner_tie")
    winners = {name: yes if index == label else no for index, name in enumerate(columns)}
    assert parse_battle(ROW | winners)["label"] == label


@pytest.mark.parametrize(
    ("values", "label", "shares"),
    [
        (("0.2", "0.7", "0.1"), 1, [0.2, 0.7, 0.1]),
        ((0.5, 0.5, 0), 0, [0.5, 0.5, 0]),
        ((0, ".5", "5e-1"), 1, [0, 0.5, 0.5]),
        ((Decimal("0.25"), 0, 0.75), 2, [0.25, 0, 0.75]),
        (("0.333333", "0.333333", "0.333333"), 0, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_shares_of_the_labels_give_the_largest_as_label_and_sum_to_1(values, label, shares):
    columns = ("winner_model_a", "winner_model_b", "winner_tie")
    battle = parse_battle(ROW | dict(zip(columns, values, strict=True)) | {"weight": "2.5"})
    assert (battle["label"], battle["weight"]) == (label, 2.5)
    assert battle["shares"] == pytest.approx(shares, abs=1e-15)


def test_models_are_optional():
    row = {name: value for name, value in ROW.items() if name != "model_a"}
    assert parse_battle(row | {"model_b": ""})["model_a"] is None
    assert parse_battle(row | {"model_b": ""})["model_b"] is None


def test_null_turn_is_empty_and_other_text_is_untouched():
    battle = parse_battle(ROW | {"response_a": "[null]", "response_b": '[" \\u0000\\tİ\\r\\n "]'})
    assert battle["response_a"] == [""]
    assert battle["response_b"] == [" \0\tİ\r\n "]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'["cut \ud83d"]', "cut \ufffd"),
        (r'["\ude00 cut"]', "\ufffd cut"),
        (r'["\ud83d\ude00"]', "😀"),
        (r'["\ud83d \ude00"]', "\ufffd \ufffd"),
        (r'["\udc80"]', "\ufffd"),
    ],
)
def test_lone_surrogates_are_replaced_and_pairs_kept(text, expected):
    assert parse_battle(ROW | {"prompt": text})["prompt"] == [expected]


@given(st.text(st.characters(codec=None, categories=None), max_size=8))
def test_any_text_survives_except_lone_surrogates(text):
    # The codec for UTF-16 is an independent judge of which surrogates are lone.
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert parse_battle(ROW | {"prompt": json.dumps([text])})["prompt"] == [expected]


@pytest.mark.parametrize(
    ("prompt", "response_a", "response_b", "turns"),
    [
        (["q", "r"], ["a", "b"], ["c", "d"], 2),
        (["q", ""], ["a", None], ["b"], 2),
        (["q"], ["a", "", None], ["b"], 3),
        ([""], [], [None], 1),
    ],
)
def test_turns_that_are_equal_or_empty_at_the_end_are_aligned(
    prompt, response_a, response_b, turns
):
    fields = {"prompt": prompt, "response_a": response_a, "response_b": response_b}
    battle = parse_battle(ROW | {name: json.dumps(value) for name, value in fields.items()})
    for name, value in fields.items():
        filled = [turn or "" for turn in value]
        assert battle[name] == filled + [""] * (turns - len(filled))


NESTED = "[" * 100_000
FIELD = "response_a is not a JSON list of strings"
SHARE = "is not a number from 0 to 1"
WINNERS = "winner_model_a, winner_model_b, winner_tie"
WEIGHT = "weight is not a number from 0.000001 to 1,000,000"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response_a": "['a']"}, FIELD),
        ({"response_a": '"a"'}, FIELD),
        ({"response_a": "[1]"}, FIELD),
        ({"response_a": '{"a": 1}'}, FIELD),
        ({"response_a": "null"}, FIELD),
        ({"response_a": ""}, FIELD),
        ({"response_a": None}, FIELD),
        ({"response_a": [["a"]]}, FIELD),
        ({"response_a": NESTED}, FIELD),
        ({"response_a": "[" + "9" * 5000 + "]"}, FIELD),
        ({"response_a": "[NaN]"}, FIELD),
        ({"response_a": '["a", "b"]'}, "unequal turns"),
        ({"prompt": '["q", "r"]'}, "unequal turns"),
        ({"response_b": "[]"}, "unequal turns"),
        ({"prompt": "[]", "response_a": "[]", "response_b": "[]"}, "no turns"),
        ({"winner_model_b": "0"}, "no winner"),
        ({"winner_tie": "1"}, "two winners"),
        ({"winner_tie": "2"}, f"winner_tie {SHARE}"),
        ({"winner_tie": "-0.1"}, f"winner_tie {SHARE}"),
        ({"winner_tie": ""}, f"winner_tie {SHARE}"),
        ({"winner_tie": "nan"}, f"winner_tie {SHARE}"),
        ({"winner_tie": "1e999"}, f"winner_tie {SHARE}"),
        ({"winner_tie": 10**400}, f"winner_tie {SHARE}"),
        ({"winner_tie": None}, f"winner_tie {SHARE}"),
        ({"winner_tie": float("nan")}, f"winner_tie {SHARE}"),
        ({"winner_tie": Decimal("sNaN")}, f"winner_tie {SHARE}"),
        ({"winner_model_b": "0.9"}, f"{WINNERS} do not sum to 1"),
        ({"winner_tie": 0.00001}, f"{WINNERS} do not sum to 1"),
        ({"weight": 0}, WEIGHT),
        ({"weight": "-1"}, WEIGHT),
        ({"weight": None}, WEIGHT),
        ({"weight": ""}, WEIGHT),
        ({"weight": "inf"}, WEIGHT),
        ({"weight": float("inf")}, WEIGHT),
        ({"weight": float("nan")}, WEIGHT),
        ({"weight": "1e308"}, WEIGHT),
        ({"weight": 1e-320}, WEIGHT),
        ({"id": ""}, "id is missing"),
        ({"id": " "}, "id is missing"),
        ({"id": float("nan")}, "id is missing"),
        ({"id": None}, "id is missing"),
        ({"id": True}, "id is not text or a number"),
        ({"id": [1]}, "id is not text or a number"),
        ({"id": b"1"}, "id is not text or a number"),
        ({"id": 10**5000}, "id has thousands of digits"),
        ({"model_a": ["m"]}, "model_a is not text"),
        ({MALFORMED: "wrong number of fields"}, "wrong number of fields"),
    ],
)
def test_what_is_no_battle_has_a_reason(changes, reason):
    with pytest.raises(NotABattle) as error:
        parse_battle(ROW | changes)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("1000", 1000),
        (1000.0, 1000),
        ("1000.0", 1000),
        ("-7.00", -7),
        (Decimal(1000), 1000),
        (Decimal("1000.00"), 1000),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (str(2**64), str(2**64)),
        (Decimal(2**63), str(2**63)),
        (1.5, "1.5"),
        ("1.5", "1.5"),
        ("007", "007"),
        ("-0", "-0"),
        ("٣", "٣"),
        (" 7", " 7"),
        ("3f2b8c1e-0000-4000-8000-000000000001", "3f2b8c1e-0000-4000-8000-000000000001"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("cut \ud83d", "cut \ufffd"),
    ],
)
def test_an_id_is_an_integer_or_text_and_is_kept(value, given):
    assert parse_id(value) == given
    battle = parse_battle(ROW | {"id": value})
    assert battle["source_id"] == str(given)
    if isinstance(given, int):
        assert battle["id"] == given
    else:
        assert 0 <= battle["id"] < 2**63
        assert battle["id"] != parse_battle(ROW | {"id": f"{given} other"})["id"]


def test_a_model_without_a_name_may_be_nan():
    assert parse_battle(ROW | {"model_a": float("nan")})["model_a"] is None


@pytest.mark.parametrize("name", sorted(set(ROW) - {"model_a", "model_b"}))
def test_missing_column_is_named(name):
    with pytest.raises(NotABattle, match=f"^{name} is missing$"):
        parse_battle({key: value for key, value in ROW.items() if key != name})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
texts = st.lists(st.none() | st.text(st.characters(codec=None, categories=None)), max_size=3)
values = json_values | json_values.map(json.dumps) | texts | texts.map(json.dumps)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), values))
def test_any_row_is_a_battle_that_arrow_can_hold_or_has_a_reason(changes):
    try:
        battle = parse_battle(ROW | changes)
    except NotABattle as problem:
        assert len(str(problem)) < 60
        return
    batch = pa.RecordBatch.from_pylist([battle | {"source": "rows"}], BATTLE_SCHEMA)
    batch.validate(full=True)
    assert len({len(battle[name]) for name in ("prompt", "response_a", "response_b")}) == 1
