"""What the verdict says of the noise of training."""

import re

from dvc.utils.hydra import apply_overrides
from evaluation_example import estimate, example_details
from repository import REPOSITORY

from preference.config.experiment import resolve_experiment
from preference.config.params import load_params
from preference.report.training_noise_notes import (
    describe_training_noise,
    explain_unknown_noise,
)
from preference.runtime.yaml_file import read_yaml, write_yaml

EXPERIMENTS = ("baseline", "exp1", "exp2", "exp3")


def test_the_noise_of_training_is_reported_with_where_it_comes_from():
    text = describe_training_noise(example_details(EXPERIMENTS)).text
    assert text.startswith("All intervals and tests include the noise of training.")
    assert "a standard deviation of 0.0031 between training runs" in text
    assert "estimated from baseline (3 runs)" in text
    assert "The same is assumed of exp1, exp2 and exp3, which were trained once." in text


def test_the_advice_for_unknown_noise_is_a_change_that_dvc_makes_and_the_parameters_allow(tmp_path):
    details = example_details(EXPERIMENTS)
    details["training_noise"] = None
    (advice,) = (each.text for each in explain_unknown_noise(details))
    (change,) = re.findall(r"-S '(.+)'", advice)
    params = read_yaml(REPOSITORY / "params.yaml")
    for folds, own in ((1, {}), (5, {"train": {"seeds": []}})):
        params["split"]["folds"], params["experiments"]["baseline"] = folds, own
        write_yaml(tmp_path / "params.yaml", params)
        apply_overrides(tmp_path / "params.yaml", [change])
        loaded = load_params(tmp_path / "params.yaml")
        assert len(resolve_experiment(loaded, "baseline").seeds) == 3 * folds


def test_runs_that_do_not_depend_on_the_order_show_no_noise_of_it():
    details = example_details(EXPERIMENTS)
    assert "order of the answers" not in describe_training_noise(details).text
    for name in ("baseline", "exp1", "exp2", "exp3"):
        details["models"][name]["flip_rate"] = estimate(0.17 if name == "exp3" else 0.0)
    text = describe_training_noise(details).text
    assert text.endswith(
        " The intervals of what the order of the answers does to exp3 do not have it: swapping the "
        "answers changes nothing in baseline."
    )
