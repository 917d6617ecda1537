"""`python -m checks.recipes`: what it trains is what the stage trains, and what its table says."""

import json
import shlex
import subprocess
import sys
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pytest
from documentation import PAGES, fences
from repository import REPOSITORY
from small_preset import save_preset

from checks.recipes.__main__ import command_line, write_table
from checks.recipes.recipe import Recipe
from checks.recipes.training import Measured, train_once
from preference.config.experiment import resolve_experiment
from preference.config.params import load_params
from preference.runtime.errors import BadInput
from preference.runtime.yaml_file import read_yaml, write_yaml
from stages import configure, featurize, fetch, preprocess, split, train

PARAMS = load_params(REPOSITORY / "params.yaml")


def test_what_is_trained_is_what_the_stage_trains(tmp_path):
    params = read_yaml(REPOSITORY / "params.yaml")
    params["data"]["simulated"] = {"battles": 120, "length_scale": 0.05}
    params["model"] |= {"preset": "preset", "seq_len": 32}
    params["train"] |= {"epochs": 1, "tokens_per_batch": 1024}
    params["experiments"] = {"baseline": {"train": {"learning_rate": 0.01, "seeds": []}}}
    write_yaml(tmp_path / "params.yaml", params)
    with chdir(tmp_path):
        save_preset(["a small preset is quickly trained"] * 20)
        for stage in (configure, fetch, split, preprocess, featurize):
            stage.main()
        train.main("baseline")
        keras.backend.clear_session()
        # Both values are those of the experiment, so that they change nothing.
        recipe = Recipe.parse("train.epochs=1 model.dropout=null")
        measured = train_once(recipe.experiment(load_params(), "baseline"), params["seed"])
        logged = json.loads(Path("metrics/train/baseline/metrics.json").read_text())
    assert measured.log_loss == logged["valid_log_loss"]
    assert measured.seconds > 0


def test_a_recipe_changes_its_values_and_keeps_those_of_the_experiment():
    recipe = Recipe.parse("train.learning_rate=0.007 train.clip_norm=1.0 model.head=concat")
    changed, own = (asdict(one) for one in (recipe.experiment(PARAMS, "exp2"), exp2()))
    expected = {"learning_rate": 0.007, "clip_norm": 1.0, "seeds": []}
    assert changed["train"] == own["train"] | expected
    assert changed["model"] == own["model"] | {"head": "concat"}
    assert changed["text"] == own["text"]


def exp2():
    return resolve_experiment(PARAMS, "exp2")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epochs=4", "'epochs=4' is no change of a recipe"),
        ("train.epochs", "'train.epochs' is no change"),
        ("data.source=kaggle", "write model"),
        ("model.preset=deberta_v3_mini", "but not of model.preset or train.initial"),
        ("train.epoch=4", "train.epoch"),
        ("train.epochs=four", "train.epochs"),
    ],
)
def test_what_is_no_recipe_is_said(text, named):
    with pytest.raises(BadInput, match=named):
        Recipe.parse(text).experiment(PARAMS, "baseline")


def test_differences_are_paired_by_seed():
    """The seeds are far apart, and the recipe is better by 0.1, 0.2 and 0.3 on each of them."""
    own = [Measured(loss, 10) for loss in (1.0, 2.0, 4.5)]
    better = [Measured(loss, 30) for loss in (0.9, 1.8, 4.2)]
    *_, first, second = write_table(["", "train.epochs=4"], [own, better]).splitlines()
    assert first == f"| as it is | 2.5000 | {np.std([1, 2, 4.5], ddof=1):.4f} | – | – | 10 |"
    # The standard error of 0.1, 0.2 and 0.3 is 0.1 divided by the root of 3.
    cells = second.strip("| ").split(" | ")
    assert cells[0] == "train.epochs=4" and cells[1] == "2.3000"
    assert cells[3:] == ["−0.2000", "0.0577", "30"]


def test_one_seed_shows_no_noise():
    command = [sys.executable, "-m", "checks.recipes", "train.epochs=4", "--seeds", "1", "1"]
    done = subprocess.run(command, cwd=REPOSITORY, text=True, capture_output=True)
    assert done.returncode == 1
    assert done.stderr == (
        "error: --seeds needs at least two seeds, which show the noise of training.\n"
    )


def test_the_documented_command_has_the_recipes_and_the_seeds_that_it_shows():
    (block,) = (
        content
        for page in PAGES
        for _, content in fences(page)
        if content.startswith("python -m checks.recipes")
    )
    _, _, _, *words = shlex.split(block)
    arguments = command_line().parse_args(words)
    assert arguments.seeds == [1, 2, 3, 4]
    assert arguments.recipes == [word for word in words if "=" in word]
    for text in arguments.recipes:
        Recipe.parse(text)
