"""What an experiment changes, its seeds, and the models of the blend."""

from dataclasses import asdict

import pytest
from good_params import GOOD, changed, load
from repository import REPOSITORY

from preference.config.params import load_params
from preference.runtime.errors import BadInput


@pytest.mark.parametrize(
    ("blend", "message"),
    [
        ("all", "evaluation.blend: Input should be 'auto' (it is 'all')"),
        (
            ["exp1", "all"],
            "evaluation.blend names all, but the models are baseline, exp1, prior, length, tfidf, "
            "features, stack. "
            "Correct the spelling, or add the experiment",
        ),
    ],
)
def test_a_blend_of_unknown_models_is_reported_without_the_rest_of_the_file(
    tmp_path, blend, message
):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, changed({"evaluation.blend": blend}))
    assert message in str(caught.value)
    assert "resamples" not in str(caught.value) and "[" not in str(caught.value)


def test_a_blend_may_be_named_or_chosen(tmp_path):
    for blend in ("auto", [], ["baseline", "tfidf"]):
        assert load(tmp_path, changed({"evaluation.blend": blend})).evaluation.blend == blend


def test_an_experiment_changes_what_it_names_and_nothing_else(tmp_path):
    overrides = {"model": {"seq_len": 64}, "train": {"optimizer": "adamw", "weight_decay": 0.5}}
    params = load(tmp_path, changed({"experiments.mine": overrides}))
    mine = params.experiment("mine")
    wanted = asdict(params)
    for section, values in overrides.items():
        wanted[section].update(values)
    assert asdict(mine) == wanted
    assert asdict(params)["model"] == GOOD["model"]
    assert params.experiment("baseline") == params


def test_there_is_no_such_experiment(tmp_path):
    with pytest.raises(BadInput, match="no experiment 'exp9'"):
        load(tmp_path, GOOD).experiment("exp9")


def test_parameters_cannot_be_changed():
    params = load_params(REPOSITORY / "params.yaml")
    with pytest.raises(AttributeError):
        params.seed = 1
    with pytest.raises(AttributeError):
        params.model.seq_len = 8


def test_an_experiment_is_trained_on_the_seed_or_on_those_of_its_own(tmp_path):
    params = load(tmp_path, changed({"experiments.exp1.train.seeds": [7, 8]}))
    assert params.experiment("baseline").training_seeds() == [2024]
    assert params.experiment("exp1").training_seeds() == [7, 8]


def test_a_number_of_seeds_begins_with_the_shared_one(tmp_path):
    params = load(tmp_path, changed({"experiments.exp1.train.seeds": 3, "seed": 5}))
    assert params.experiment("exp1").training_seeds() == [5, 6, 7]
    assert params.experiment("baseline").training_seeds() == [5]


def test_each_repetition_has_a_seed_for_each_fold(tmp_path):
    params = load(tmp_path, changed({"experiments.exp1.train.seeds": 2, "split.folds": 3}))
    assert params.experiment("exp1").training_seeds() == [2024, 2025, 2026, 2027, 2028, 2029]
    assert params.experiment("baseline").training_seeds() == [2024, 2025, 2026]
