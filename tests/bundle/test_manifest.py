"""A manifest whose hashes fit is believed only as far as its values can be those of a model."""

import json
from dataclasses import replace

import pytest
from small_bundle import PARAMETERS, edit_manifest, small_manifest

from preference.bundle.manifest import NEEDED, parse_manifest, read_manifest, write_manifest
from preference.config.validation import LONGEST_TEXT
from preference.runtime.errors import BadInput
from preference.statistics.cluster_bootstrap import Estimate

FILES = dict.fromkeys(sorted(NEEDED), "0" * 64)
# A value below its interval.
OUTSIDE = {"value": 0.5, "low": 0.6, "high": 0.7}
TEMPERATURE, METRICS = "calibration.in_order.temperature", "calibration.in_order.metrics"


@pytest.fixture
def folder(tmp_path):
    write_manifest(small_manifest(files=FILES), tmp_path)
    return tmp_path


def refusal_of(folder):
    with pytest.raises(BadInput) as error:
        read_manifest(folder)
    assert len(str(error.value)) < 400 and str(error.value).isprintable()
    return str(error.value)


def put(path, value):
    def change(values):
        *sections, key = path.split(".")
        for section in sections:
            values = values[section]
        values[key] = value

    return change


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (TEMPERATURE, [5e-324, 0, -1, 0.04, 20.1, 1e308, True, "1.7", None, [1.7], {}]),
        ("calibration.both_orders.temperature", [5e-324]),
        ("prior", [[1, 1, 1], [0, 0, 0], [1.5, -0.3, -0.2], [0.5, 0.5], [0.5, 0.3, 0.2001]]),
        ("prior", [[True, False, False], ["0.5", "0.3", "0.2"], [0.4, 0.3, 0.2, 0.1], None]),
        ("packing.seq_len", [0, -5, 15, 2**16 + 1, 10**30, 40.0, "40", True]),
        ("packing.turns", ["bogus", "", None, True, ["all"]]),
        ("labels", [["B", "A", "tie"], ["A", "B"], "ABtie", None]),
        ("format", [True, 1.0, "1", 0, -1, None, 10**400, [1]]),
        ("name", ["", "a b", "a\nb", "\x1b[31m", "../x", "x" * 101, "a\u202eb", "Ж", 5, None]),
        ("seed", [-1, 2**32, True, 1.0, "3"]),
        ("simulated", [0, 1, "no", None]),
        ("tokens", ["", "../..", "/etc", "a/b", "a\n", "a" * 65, None]),
        ("calibration.battles", [0, -3, True, 10.5, 10**30, "10"]),
        ("calibration.groups", [0, 11]),
        (f"{METRICS}.log_loss.value", [-0.1, 37, 1e300, "0.5", True, None]),
        (f"{METRICS}.accuracy.value", [17, -1]),
        (f"{METRICS}.flip_rate.low", [0.7, -1e300, "0.4"]),
        (f"{METRICS}.accuracy", [OUTSIDE, {**OUTSIDE, "value": 0.8}]),
        ("calibration.both_orders.metrics.log_loss", [OUTSIDE]),
        (METRICS, [{}, {"log_loss": {"value": 1, "low": 1, "high": 1}}, []]),
        ("training.best_epoch", [0, 4, 2.0, True]),
        ("training.sequences_cut", [-0.1, 1.1, "0"]),
        ("training.train_tflop", [-1, 1e300, True]),
        ("training.unknown", [1]),
        ("parameters", [{}, [], {"model": {"preset": "x", "seq_len": 40}}]),
        ("parameters.model.seq_len", [41, "40", None]),
        ("parameters.text.turns", ["first", None]),
        ("parameters.model.preset", ["a\nb", 5, "x" * (LONGEST_TEXT + 1), [["x"]]]),
        ("parameters.model.x", [{"nested": 1}, [[1]], ["a\0"]]),
        ("data", [{"a\nb": "0" * 64}, {"a": "0" * 63}, {"a": "A" * 64}, []]),
        ("versions", [{"keras": "3\n"}, {"keras": 3}]),
        (
            "files",
            [FILES | {"../x": "0" * 64}, FILES | {".": "0" * 64}, FILES | {"a\nb": "0" * 64}],
        ),
        ("test", ["none", {}, {"battles": 1}]),
        ("unknown", [1]),
    ],
)
def test_a_value_that_no_model_of_ours_has_is_refused(folder, path, values):
    for value in values:
        write_manifest(small_manifest(files=FILES), folder)
        edit_manifest(folder, put(path, value))
        assert "bundle.json is damaged (" in refusal_of(folder), value


NESTED = "[" * 900 + "]" * 900
MANY = ", ".join(f'"{number}": {number}' for number in range(15_000))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"temperature": 1.7', '"temperature": NaN', "the number NaN"),
        ('"temperature": 1.7', '"temperature": -Infinity', "the number -Infinity"),
        ('"temperature": 1.7', '"temperature": 1e999', "temperature: Input should be a finite"),
        ('"value": 0.5', '"value": NaN', "the number NaN"),
        ('"temperature": 1.7', '"temperature": 1.7, "temperature": 9', "temperature twice"),
        ('"name": "small"', '"name": "small", "name": "other"', "the key name twice"),
        ('"seed": 3', '"seed": 3, "a\\nb": 1, "a\\nb": 1', r"the key a\nb twice"),
        ('"seed": 3', f'"seed": {"9" * 4301}', "4300 digits"),
        ('"turns": "all"', f'"turns": {NESTED}', "recursion limit"),
        ('"turns": "all"', f'"turns": {"[" * 10**5}', "nested too deeply"),
        ('"turns": "all"', f'"turns": {{{MANY}}}', "packing.turns"),
        ('"versions": {', f'"versions": {{{MANY}, ', "versions.0: Input should be a valid string"),
        ('"turns": "all"', '"turns": "\\ud800"', "Invalid JSON"),
        ("{", "{" + " " * 2**18, "more than 262144 bytes"),
        ("{", "\ufeff{", "damaged"),
        ("{", "// comment\n{", "damaged"),
        ("{", "{}{", "damaged"),
    ],
)
def test_what_is_no_strict_json_is_refused(folder, old, new, message):
    text = (folder / "bundle.json").read_text()
    assert old in text
    (folder / "bundle.json").write_text(text.replace(old, new, 1))
    assert message in refusal_of(folder)


def test_another_encoding_is_refused(folder):
    text = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(text, encoding="utf-16")
    assert "bundle.json is damaged" in refusal_of(folder)


def test_a_manifest_of_todays_form_is_read(folder):
    """Each of these values is at a bound, or of another kind of number, and may stand."""
    edit_manifest(folder, put("prior", [1, 0, 0]))
    edit_manifest(folder, put("parameters.train", {"seeds": [], "jit": True, "rate": -0.5}))
    edit_manifest(folder, put(TEMPERATURE, 20))
    edit_manifest(folder, put(f"{METRICS}.accuracy", {"value": 1, "low": -0.1, "high": 1.1}))
    assert read_manifest(folder).calibration.in_order.temperature == 20


def test_nonsense_is_not_written_either():
    manifest = small_manifest()
    calibrated = manifest.calibration.in_order
    nan = float("nan")
    for broken in (
        lambda: replace(manifest, prior=[1.0, 1.0, 1.0]),
        lambda: replace(manifest, packing=replace(manifest.packing, seq_len=0)),
        lambda: replace(manifest, parameters=PARAMETERS | {"train": {"learning_rate": nan}}),
        lambda: replace(calibrated, temperature=nan),
        lambda: replace(calibrated, metrics=calibrated.metrics | {"log_loss": Estimate(nan, 0, 1)}),
        lambda: replace(calibrated, metrics=calibrated.metrics | {"log_loss": Estimate(1, nan, 1)}),
    ):
        with pytest.raises(ValueError, match=r"prior|seq_len|train|temperature|metrics"):
            broken()


def test_all_that_is_wrong_is_said_in_one_line():
    with pytest.raises(BadInput) as error:
        parse_manifest(json.dumps({"format": 1, "x\ny" * 1000: 1}).encode())
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
