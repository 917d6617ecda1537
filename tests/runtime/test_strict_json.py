"""No JSON with NaN is written, and none that two readers would read in two ways is believed."""

import ast
import json
import math

import pytest
from repository import REPOSITORY

from preference.report.inputs import read_report_inputs
from preference.runtime.errors import BadInput
from preference.runtime.metrics_file import write_metrics
from preference.runtime.strict_json import parse_json, to_json
from preference.sequences.token_store import find_tokens

# These write texts and hashes, or what Keras or a YAML file says; nothing that was computed.
WITHOUT_NUMBERS = {
    "arena55k/pin.py",
    "checks/benchmarks/machine.py",
    "checks/faults/hub.py",
    "checks/faults/result.py",
    "preference/training/checkpoint_file.py",
    "preference/tokenizers/hugging_face.py",
    "preference/config/parsing.py",
    "profiles/profile_parameters.py",
    "preference/sources/quarantine.py",
    "preference/models/saved_model.py",
    "preference/runtime/strict_json.py",
    "preference/tokenizers/tokenizer.py",
    "preference/training/fingerprint.py",
    "simulated/arena.py",
}


CODE = (
    *("preference", "stages", "profiles", "checks", "data"),
    *("simulated", "arena55k", "kaggle", "huggingface"),
)


def writes_nan(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.dump", "json.dumps"):
            yield not any(keyword.arg == "allow_nan" for keyword in node.keywords)


def test_what_computes_numbers_writes_no_nan():
    files = {
        file.relative_to(REPOSITORY).as_posix(): file
        for folder in CODE
        for file in (REPOSITORY / folder).rglob("*.py")
    }
    found = {name for name, file in files.items() if any(writes_nan(file))}
    assert found == WITHOUT_NUMBERS


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_not_written(tmp_path, value):
    for write in (lambda: to_json([value]), lambda: write_metrics({"a": value}, tmp_path / "a")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write()
    assert not any(tmp_path.iterdir())


def test_what_is_read_is_what_was_written():
    value = {"é": [1, 0.1, -1e-300, 10**20, True, None, "\U0001f600"], "b": {"é": {}}}
    assert parse_json(to_json(value).encode()) == json.loads(to_json(value))


@pytest.mark.parametrize(
    "text", ["", "[NaN]", "[-Infinity]", '{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]', "[1]x"]
)
def test_what_two_readers_would_read_in_two_ways_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode())


def test_a_damaged_file_of_the_pipeline_is_named_with_the_stage_that_makes_it(tmp_path):
    (tmp_path / "evaluation_details.json").write_text('{"experiments": [], "experiments": []}')
    with pytest.raises(BadInput, match=r"evaluation_details.json is damaged .*dvc repro evaluate"):
        read_report_inputs(tmp_path, tmp_path / "hardest.json")
    for index in ('{"x": "../.."}', '{"x": 1}', "[]", '{"x": "a", "x": "b"}'):
        (tmp_path / "index.json").write_text(index)
        with pytest.raises(BadInput, match=r"index.json is damaged .*dvc repro preprocess"):
            find_tokens(tmp_path, "x")
