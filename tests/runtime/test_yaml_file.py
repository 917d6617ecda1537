"""YAML is read as DVC reads it, or refused in one line; and written so that it is read back."""

from dataclasses import asdict

import pytest
from dvc.utils.serialize import load_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from repository import REPOSITORY

from preference.config.params import load_params
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import (
    LONGEST_FILE,
    edit_yaml,
    merge_values,
    read_yaml,
    write_yaml,
)

# What YAML 1.1, or a reader of its own, takes for something else.
READ_OTHERWISE = [
    *(
        "010",
        "-010",
        "08",
        "0o17",
        "0b11",
        "0x1f",
        "1_000",
        "1:30",
        "12:30:45",
        "1e-3",
        "1E3",
        "1e",
    ),
    *(
        ".5",
        "1.",
        "+1",
        "-0",
        "685.230_15",
        "0o8",
        "_1",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "n",
        "True",
    ),
    *("~", "null", "Null", ".inf", "-.INF", ".nan", "1e400", "'010'", '"yes"', "'1:30'"),
]
SCALAR_CHARACTERS = st.sampled_from("0123456789_+-.:eExobnyYNtrufalsODik~'\" ,#&*!|>%@`\t{}[]")
BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGE_BOMB = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("yaml") / "params.yaml"


@pytest.fixture(scope="module")
def params():
    """The text of this repository's parameters."""
    return (REPOSITORY / "params.yaml").read_text()


def types_in(value):
    """The value with the type of each part, because 1 == 1.0 == True, and nan is not nan."""
    if isinstance(value, dict):
        return {key: types_in(one) for key, one in value.items()}
    if isinstance(value, list):
        return [types_in(one) for one in value]
    return type(value), repr(value)


def assert_read_as_dvc_does(file, text):
    file.write_text(text, encoding="utf-8")
    values = read_yaml(file)
    assert types_in(values) == types_in(load_yaml(file))
    return values


@pytest.mark.parametrize("scalar", READ_OTHERWISE)
def test_a_scalar_is_what_dvc_shows(file, scalar):
    assert_read_as_dvc_does(file, f"key: {scalar}\nlist: [{scalar}, {scalar}]\n")


@settings(deadline=None)
@given(st.text(SCALAR_CHARACTERS, max_size=8))
def test_what_stands_for_a_value_is_what_dvc_shows_or_is_refused(file, scalar):
    try:
        assert_read_as_dvc_does(file, f"key: {scalar}\n")
    except BadInput as error:
        assert str(error).startswith(str(file)) and "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "shared: &a {x: 1, y: 2}\nown:\n  <<: *a\n  y: 3\n",
        "a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b]}\n",
        "a: &x 1\nb: &x 2\nc: *x\n",
        "%YAML 1.1\n---\nseed: 010\nswitch: yes\n",
        "\ufeffseed: 010\n",
        "seed: 010\r\nrate: 1e-3\r\n",
        "text: |\n  1\n  2\nfolded: >-\n  1\n  2\n",
        "tagged: !!str 10\nfloat: !!float 1\n",
        "nested: " + "[" * 50 + "]" * 50,
    ],
)
def test_what_dvc_reads_is_read_as_dvc_reads_it(file, text, recwarn):
    assert_read_as_dvc_does(file, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: 1\n2024-01-01: 1\n", ["line 2: 2024-01-01 is no key", "quotes"]),
        ("a:\n  1: 2\n", ["line 2: 1 is no key"]),
        ("true: 2\n", ["line 1: true is no key"]),
        ("? [a, [b]]\n: 1\n", ["line 1: the value is no key"]),
        ("a: 2024-01-01\n", ["line 1: 2024-01-01 is of the kind 'timestamp'"]),
        ("a: 2024-13-45\n", ["line 1: 2024-13-45 is of the kind 'timestamp'"]),
        ("a: !!python/object/apply:os.system [x]\n", ["line 1", "'python/object/apply:os.system'"]),
        ("a: !mine 1\n", ["line 1: 1 is of the kind '!mine'"]),
        ("a: !!set {x}\n", ["line 1: the value is of the kind 'set'"]),
        ("a: !!int x\n", ["not valid YAML", "'x'"]),
        ('a: !!int ""\n', ["not valid YAML", "Correct the value"]),
        ("a: !!str [x]\n", ["not valid YAML", "line 1: expected a scalar node"]),
        ("? !!str [x]\n: 1\n", ["not valid YAML", "line 1: expected a scalar node"]),
        ("a: =\n", ["line 1: = is of the kind 'value'"]),
        ("a: &a [*a]\n", ["more than 10,000 values", "aliases"]),
        ("&a\nb: *a\n", ["more than 10,000 values", "aliases"]),
        (BOMB, ["more than 10,000 values", "aliases"]),
        (MERGE_BOMB, ["more than 10,000 values", "aliases"]),
        ("a: " + "[" * 1_500, ["nested too deep"]),
        ("a: 1\nb: 2\na: 3\n", ['line 3: found duplicate key "a"']),
        ("a: 1\n---\nb: 1\n", ["line 2: but found another document"]),
        ("a:\n\tb: 1\n", ["line 2: found character '\\t'"]),
        ("a: 1\nb: \0\n", ["line 2: unacceptable character #x0000"]),
        ('a: "\\0"\n', ["line 1", "the character '\\x00'"]),
        ('a: "\\e[2J"\n', ["line 1", "the character '\\x1b'"]),
        ('"\\ud83d": 1\n', ["line 1", "the character '\\ud83d'"]),
        ("a: " + "9" * 10_000, ["line 1: 999", "… is too long for a number"]),
        ("a: 0x" + "9" * 4_000, ["line 1: 0x9", "… is too long for a number"]),
        ("%YAML 1.3\n---\na: 1\n", ["not valid YAML", "%YAML line"]),
        ('a: "\\U00110000"\n', ["not valid YAML", "escaped character"]),
        ("", ["no keys at its top"]),
        ("# seed: 1\n", ["no keys at its top"]),
        ("- seed\n", ["no keys at its top"]),
        ("just words\n", ["no keys at its top"]),
        ("a: *b\n", ["line 1: found undefined alias"]),
        ("a: [1\n", ["not valid YAML", "line 2"]),
    ],
)
def test_what_is_no_parameter_is_refused_with_its_line(file, text, told):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_yaml(file, "params.yaml")
    message = str(caught.value)
    assert message.startswith("params.yaml") and message.isprintable()
    assert [part for part in told if part not in message] == []


def test_a_file_that_is_not_text_or_too_long_is_refused(file):
    file.write_bytes(b"seed: 1\nname: caf\xe9\n")
    with pytest.raises(BadInput, match=r"not valid YAML: byte 18 is not UTF-8\. Save it as UTF-8"):
        read_yaml(file)
    file.write_bytes("seed: 1\n".encode("utf-16"))
    with pytest.raises(BadInput, match="byte 1 is not UTF-8"):
        read_yaml(file)
    with file.open("wb") as sparse:
        sparse.truncate(2**30)
    with pytest.raises(BadInput, match=f"has more than {LONGEST_FILE:,} characters"):
        read_yaml(file)
    with pytest.raises(BadInput, match=f"{file.parent} is no file"):
        read_yaml(file.parent)


CHARACTERS = st.characters(exclude_categories=["Cc", "Cs"])
TEXT = st.sampled_from(["", "a: b", "# x", *READ_OTHERWISE]) | st.text(CHARACTERS)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(TEXT, VALUES | st.dictionaries(TEXT, VALUES, max_size=3), min_size=1))
@example({"010": "010", "yes": "1e-3", "1:30": "0o17", "~": "08", "x": "a\n b\n\n", "<<": "<<"})
def test_what_is_written_is_read_back_by_us_and_by_dvc(file, values):
    write_yaml(file, values)
    assert types_in(read_yaml(file)) == types_in(load_yaml(file)) == types_in(values)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"a.b": 5}, {"a": {"b": 5, "c": 2}, "d": 3}),
        ({"a": {"b": 5}}, {"a": {"b": 5, "c": 2}, "d": 3}),
        ({"a": {"b": 5}, "a.c": 6}, {"a": {"b": 5, "c": 6}, "d": 3}),
        ({"a": {}}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ({"a": 5}, {"a": 5, "d": 3}),
        ({"d": {"e": 4}}, {"a": {"b": 1, "c": 2}, "d": {"e": 4}}),
        ({"x.y": {"z.w": 4}}, {"a": {"b": 1, "c": 2}, "d": 3, "x": {"y": {"z": {"w": 4}}}}),
    ],
)
def test_changes_leave_the_other_values(file, changes, expected):
    before = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merge_values(before, changes) == expected
    assert before == {"a": {"b": 1, "c": 2}, "d": 3}
    write_yaml(file, before)
    edit_yaml(file, changes)
    assert read_yaml(file) == expected


@pytest.mark.parametrize(
    ("line", "written", "key", "value"),
    [
        ("seed: 2024", "seed: 010", "seed", 10),
        ("seed: 2024", "seed: 0o17", "seed", 15),
        ("seed: 2024", "seed: 1_000", "seed", 1000),
        ("learning_rate: 0.003", "learning_rate: 1e-3", "train.learning_rate", 0.001),
        ("battles: data/examples/battles.csv", "battles: 1:30", "submit.battles", "1:30"),
        ("battles: data/examples/battles.csv", "battles: on", "submit.battles", "on"),
    ],
)
def test_what_dvc_shows_is_what_runs(file, params, line, written, key, value):
    assert line in params
    file.write_text(params.replace(line, written, 1))
    runs, shown = asdict(load_params(file)), load_yaml(file)
    for name in key.split("."):
        runs, shown = runs[name], shown[name]
    assert runs == shown == value


@pytest.mark.parametrize(
    ("line", "written", "told"),
    [
        ("seed: 2024", "seed: 1:30", "seed: Input should be a valid integer (it is '1:30')"),
        ("seed: 2024", 'seed: "10"', "seed: Input should be a valid integer (it is '10')"),
        ("epochs: 3", "epochs: 3.0", "train.epochs: Input should be a valid integer (it is 3.0)"),
        ("epochs: 3", "epochs: true", "train.epochs: Input should be a valid integer"),
        ("learning_rate: 0.003", "learning_rate: '1e-3'", "train.learning_rate: Input should be"),
        ("learning_rate: 0.003", "learning_rate: 1e400", "a finite number (it is inf)"),
        ("learning_rate: 0.003", "learning_rate: .nan", "a finite number (it is nan)"),
        ("both_orders: false", "both_orders: yes", "valid boolean (it is 'yes')"),
        ("both_orders: false", "both_orders: on", "valid boolean (it is 'on')"),
        ("seed: 2024", "seed: " + "x" * 5_000, "seed: Input should be a valid integer (it is 'xxx"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_key(file, params, line, written, told):
    assert line in params
    file.write_text(params.replace(line, written, 1))
    with pytest.raises(BadInput) as caught:
        load_params(file)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 200
