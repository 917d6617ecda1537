"""What `evaluate` reads is of the present parameters, weights and temperatures, or is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from evaluation_inputs import (
    edit_json,
    remove,
    write_battles,
    write_inputs,
    write_params,
    write_predictions,
    write_training,
)
from simulated_models import simulate

from preference.config.experiment import read_index, write_experiments
from preference.config.params import load_params
from preference.evaluation.inputs import read_runs, read_temperatures, truncated_battles
from preference.runtime.errors import BadInput
from stages import bundle, evaluate

RUN = Path("data/predictions/exp1/seed-2024")
TEMPERATURES = Path("data/calibration/exp1.json")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def entry_of(name="exp1"):
    return next(entry for entry in read_index() if entry.name == name)


@pytest.fixture
def model():
    targets, predictions = simulate(200)
    write_inputs(targets, predictions["exp1"])
    return predictions["exp1"]


def change_params(old, new):
    """Change params.yaml, and configure it."""
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new))
    write_experiments(load_params())


def refusal(read, *arguments):
    with pytest.raises(BadInput) as caught:
        read(*arguments)
    return str(caught.value)


def test_predictions_of_the_present_are_read(model):
    (run,) = read_runs(entry_of())
    for predictions in (run.calibration, run.test):
        rows = np.searchsorted(model.ids, predictions.ids)
        np.testing.assert_array_equal(predictions.probabilities, model.probabilities[rows])
    (fitted,) = read_temperatures(entry_of())
    (written,) = json.loads(TEMPERATURES.read_text())
    for way, temperature in vars(fitted).items():
        assert temperature == written["calibration"][way]["temperature"]


def test_predictions_of_other_parameters_are_refused(model):
    change_params("weight_decay: 0.01", "weight_decay: 0.02")
    said = f"{RUN}/calibration.parquet was made with other values of exp1 than params.yaml has now"
    advice = "run `dvc repro`, or `dvc repro train_exp1 predict@exp1`."
    for read in (lambda: read_runs(entry_of()), lambda: bundle.main("exp1"), evaluate.main):
        assert refusal(read) == f"{said}: {advice}"
    # The baseline has no weight decay of its own, and so is as it was.
    assert len(read_runs(entry_of("baseline"))) == 1


def test_predictions_of_other_seeds_are_refused(model):
    change_params("seeds: []", "seeds: [2024, 7]")
    assert "other values of exp1 than params.yaml has now" in refusal(read_runs, entry_of())


def test_predictions_of_other_weights_are_refused(model):
    write_training("exp1", 2024, content="trained again")
    said = f"{RUN}/calibration.parquet was made with other weights of exp1 than the present ones"
    advice = "run `dvc repro`, or `dvc repro predict@exp1`."
    for read in (lambda: read_runs(entry_of()), lambda: bundle.main("exp1")):
        assert refusal(read) == f"{said}: {advice}"


def test_each_split_is_asked_what_it_was_made_with(model):
    """A kill between both splits cannot leave this, but a copy by hand can."""
    old = (RUN / "test.parquet").read_bytes()
    write_predictions(write_training("exp1", 2024, content="trained again"), model)
    (RUN / "test.parquet").write_bytes(old)
    assert f"{RUN}/test.parquet was made with other weights" in refusal(read_runs, entry_of())


def test_temperatures_of_other_weights_are_refused(model):
    write_predictions(write_training("exp1", 2024, content="trained again"), model)
    said = f"{TEMPERATURES} is of other weights than the present ones: run `dvc repro`, or "
    for read in (lambda: read_temperatures(entry_of()), evaluate.main):
        assert refusal(read) == f"{said}`dvc repro bundle@exp1`."
    bundle.main("exp1")
    assert len(read_temperatures(entry_of())) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda fitted: fitted.append(fitted[0]),
        lambda fitted: fitted.clear(),
        lambda fitted: fitted[0].update(seed=7),
    ],
)
def test_temperatures_of_other_seeds_are_refused(model, change):
    edit_json(TEMPERATURES, change)
    assert "is of other weights" in refusal(read_temperatures, entry_of())


@pytest.mark.parametrize("value", [0, "1.0", 1e6])
def test_temperatures_that_are_none_are_damage(model, value):
    def change(fitted):
        fitted[0]["calibration"]["in_order"]["temperature"] = value

    edit_json(TEMPERATURES, change)
    said = refusal(read_temperatures, entry_of())
    assert str(TEMPERATURES) in said and "in_order" in said and "bundle@exp1" in said


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("data/config/index.json", "configure"),
        ("data/predictions/exp1", "predict@exp1"),
        ("data/predictions/exp1/seed-2024/calibration.parquet", "predict@exp1"),
        ("data/predictions/exp1/seed-2024/test.parquet", "predict@exp1"),
        ("data/predictions/reference", "predict_reference"),
        ("data/predictions/reference/tfidf/test.parquet", "predict_reference"),
        ("data/calibration/exp1.json", "bundle@exp1"),
        ("models/weights/exp1", "train_exp1"),
        ("data/split/test.parquet", "split"),
        ("data/battles.parquet", "fetch"),
    ],
)
def test_a_missing_file_names_the_stage_that_makes_it(model, path, stage):
    remove(Path(path))
    said = refusal(evaluate.main)
    assert path in said and f"does not exist: run `dvc repro {stage}`" in said


@pytest.mark.parametrize("content", [b"", b"PAR1"])
def test_damaged_predictions_name_the_stage_that_makes_them(model, content):
    (RUN / "test.parquet").write_bytes(content)
    said = refusal(evaluate.main)
    assert f"{RUN}/test.parquet" in said and "predict@exp1" in said


def masks_of(*experiments):
    """Return which test battles are cut, by name, where experiments cut some at a length."""
    targets, predictions = simulate(40)
    write_battles(targets)
    write_params()
    for name, seq_len, cut in experiments:
        record = write_training(name, 2024)
        write_predictions(record, predictions["exp1"], targets.ids[cut], seq_len)
    found = truncated_battles([entry_of(name) for name, *_ in experiments])
    # The test split is the second half.
    return {name: (np.flatnonzero(members) + 20).tolist() for name, members in found.items()}


def test_each_length_cuts_other_battles():
    found = masks_of(("baseline", 512, [25, 26]), ("exp1", 512, [25, 26]), ("exp2", 1024, [26]))
    assert found == {"longer than 512 tokens": [25, 26], "longer than 1,024 tokens": [26]}


def test_two_tokenizers_may_cut_other_battles_at_one_length():
    cuts = {"baseline": [25], "exp1": [25, 30], "exp2": [25, 30], "exp3": [25]}
    found = masks_of(*[(name, 512, cut) for name, cut in cuts.items()])
    assert found == {"longer than 512 tokens": [25], "longer than 512 tokens of exp1": [25, 30]}
