"""How the changes of the models are judged."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from review_example import (
    BATTLES,
    EXPERIMENTS,
    NO_CHANGES,
    cells,
    comment_on,
    commit,
    compare,
    edit_params,
    reproduce,
    run,
    train,
    verdicts,
    write_battles,
    write_script,
)

from preference.battles.predictions import Predictions, write_predictions
from preference.runtime.errors import BadInput
from review.changes import Change, compare_metrics
from review.results import Battles, open_version, read_row_losses
from review.revision import Revision, find_revision
from review.verdict import judge_change


def test_what_is_better_the_same_new_and_gone_is_named(folder):
    experiments = {"baseline": {}, "exp1": train(weight_decay=0.1), "exp3": {}}
    edit_params(folder, experiments=experiments)
    reproduce(folder)
    comparison = compare(folder)
    assert verdicts(comparison) == {"exp1": "better"}
    assert (comparison.same, comparison.added, comparison.removed) == (
        ["baseline"],
        ["exp3"],
        ["exp2"],
    )
    comment = comment_on(comparison, base=Revision("a|b", "c" * 40))
    assert "**Larger than noise: `exp1` is better.**" in comment
    assert "- The same in both versions: `baseline`." in comment
    assert "- Only here: `exp3`." in comment
    assert "- Only in `a¦b`: `exp2`." in comment


def test_other_test_battles_are_not_compared(folder):
    write_battles(folder, range(4, BATTLES + 4))
    edit_params(folder, experiments=EXPERIMENTS | {"baseline": train(weight_decay=0.5)})
    reproduce(folder)
    comparison = compare(folder)
    assert not comparison.is_possible
    assert comparison.changes == {}
    assert judge_change(comparison).startswith("The change cannot be judged")
    assert comparison.basis[0].startswith("data/split/test.parquet differs between the versions")


def test_without_predictions_a_change_is_compared_with_the_noise_of_the_metrics(folder):
    write_script(folder, noise=0.05)
    beyond, within = train(weight_decay=0.12), train(weight_decay=0.28)
    edit_params(folder, experiments=EXPERIMENTS | {"baseline": beyond, "exp1": within})
    reproduce(folder)
    shutil.rmtree(folder / ".dvc/cache")
    comparison = compare(folder)
    assert verdicts(comparison) == {"baseline": "worse", "exp1": "within noise"}
    # Of the two sides' noises the larger, that of main.
    assert comparison.changes["exp1"].noise == 0.1
    assert comparison.same == ["exp2"]
    assert "Not paired, because `data/scored/test` of `main`" in comparison.basis[0]


def test_without_predictions_and_noise_nothing_is_claimed():
    comment = comment_on(replace(NO_CHANGES, changes={"exp1": Change(old=1.0, new=2.0)}))
    assert "Larger than noise" not in comment
    assert "- Noise unknown: `exp1`." in comment
    assert cells(comment, "exp1")[3:] == ["+1.0000", "noise unknown"]


def test_too_few_groups_judge_no_change(folder):
    write_battles(folder, range(10))
    reproduce(folder)
    commit(folder, "Few test battles")
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.1)})
    reproduce(folder)
    comparison = compare(folder, "HEAD")
    assert verdicts(comparison) == {"exp1": "noise unknown"}
    assert comparison.basis == [
        "Paired on the same 10 test battles in 10 groups, and not tested: 10 groups of battles are "
        "too few for an interval or a test; at least 30 are needed."
    ]
    comment = comment_on(comparison)
    assert "**Test log losses changed; whether by more than their noise is unknown.**" in comment
    assert cells(comment, "exp1")[3:] == ["−0.1000, not tested", "noise unknown"]


def test_the_noise_is_unknown_where_neither_version_has_it():
    side = {"exp1": {"log_loss": 1.0, "log_loss_noise": None}}
    other = {"exp1": {"log_loss": 0.9, "log_loss_noise": None}}
    assert compare_metrics(side, other, ["exp1"])["exp1"].verdict == "noise unknown"
    other["exp1"]["log_loss_noise"] = 0.01
    assert compare_metrics(side, other, ["exp1"])["exp1"].verdict == "better"


def test_each_training_run_is_one_of_its_model_and_of_no_other(tmp_path):
    ids, labels = np.arange(3), np.array([0, 1, 2])
    files = ["exp/seed-1", "exp/seed-22", "exp2/seed-1", "prior"]
    for number, name in enumerate(files):
        right = np.full((3, 3), 0.45 - 0.05 * number)
        right[ids, labels] = 0.1 * (number + 1)
        predictions = Predictions(ids, right, right)
        write_predictions(predictions, tmp_path / f"data/scored/test/{name}.parquet")
    run("git", "init", "--quiet", folder=tmp_path)
    run("dvc", "init", "--quiet", folder=tmp_path)
    version, battles = open_version("here", tmp_path), Battles(ids, labels, ids)
    losses = read_row_losses(version, ["exp", "exp2", "prior", "blend"], battles)
    right = {name: sorted(np.exp(-rows[:, 0]).round(6)) for name, rows in losses.items()}
    assert right == {"exp": [0.1, 0.2], "exp2": [0.3], "prior": [0.4]}
    nonsense = Predictions(ids, np.full((3, 3), np.nan), np.full((3, 3), np.nan))
    write_predictions(nonsense, tmp_path / "data/scored/test/exp2/seed-1.parquet")
    with pytest.raises(BadInput, match=r"exp2/seed-1.parquet of here: .*not probabilities"):
        read_row_losses(version, ["exp", "exp2"], battles)


def test_what_cannot_be_compared_is_an_error_that_says_what_to_do(folder):
    with pytest.raises(BadInput, match=r"no revision 'none'.*git fetch"):
        find_revision("none", folder)
    run("git", "rm", "--quiet", "--cached", "metrics/evaluate.json", folder=folder)
    run("git", "commit", "--quiet", "--message", "No results", folder=folder)
    with pytest.raises(BadInput, match=r"HEAD has no metrics/evaluate.json.*dvc repro"):
        compare(folder, "HEAD")
