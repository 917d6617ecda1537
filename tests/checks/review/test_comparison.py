"""How the changes of the models are judged."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
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

from checks.review.changes import find_changes
from checks.review.compare import main as print_comparison
from checks.review.diffs import diff_headline
from checks.review.revision import Revision, find_revision
from checks.review.verdict import judge_change
from preference.runtime.errors import BadInput


def test_what_is_better_the_same_new_and_gone_is_named(folder):
    experiments = {"baseline": {}, "exp1": train(weight_decay=0.1), "exp3": {}}
    edit_params(folder, experiments=experiments)
    reproduce(folder)
    comparison = compare(folder)
    assert verdicts(comparison) == {"exp1": "better"}
    assert (comparison.same, comparison.added, comparison.removed) == (
        ["baseline"],
        {"exp3": 1.1},
        ["exp2"],
    )
    comment = comment_on(comparison, base=Revision("a|b", "c" * 40))
    assert (
        "**Larger than noise: `exp1` is better. New is `exp3` (test log loss 1.1000).**" in comment
    )
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


def test_a_change_is_real_where_it_exceeds_the_larger_noise_of_both_versions(folder):
    write_script(folder, noise=0.05)
    beyond, within = train(weight_decay=0.12), train(weight_decay=0.28)
    edit_params(folder, experiments=EXPERIMENTS | {"baseline": beyond, "exp1": within})
    reproduce(folder)
    comparison = compare(folder)
    assert verdicts(comparison) == {"baseline": "worse", "exp1": "within noise"}
    # That of main.
    assert comparison.changes["exp1"].noise == 0.1
    assert comparison.same == ["exp2"]
    comment = comment_on(comparison)
    assert "**Larger than noise: `baseline` is worse.**" in comment
    assert cells(comment, "exp1")[3:] == ["+0.0800 ± 0.1000", "within noise"]


@pytest.mark.parametrize("noises", [(None, None), (0.01, None), (None, 0.01)])
def test_where_a_version_has_no_noise_nothing_is_claimed(noises):
    old, new = (
        {"exp1": {"log_loss": loss, "log_loss_noise": noise}}
        for loss, noise in zip((1.0, 2.0), noises, strict=True)
    )
    changes = find_changes(old, new, ["exp1"])
    comment = comment_on(replace(NO_CHANGES, changes=changes))
    assert "Test log losses changed; whether by more than their noise is unknown" in comment
    assert "- Noise unknown: `exp1`." in comment
    assert cells(comment, "exp1")[3:] == ["+1.0000", "noise unknown"]


def test_a_new_experiment_is_not_nothing(folder):
    edit_params(folder, experiments=EXPERIMENTS | {"exp3": train(weight_decay=0.1)})
    reproduce(folder)
    line = judge_change(compare(folder))
    assert line.startswith("New is `exp3` (test log loss 1.2000). All models that both versions")
    removed = judge_change(replace(NO_CHANGES, removed=["exp2"]))
    assert removed.startswith("Gone is `exp2`. All models")
    # The blend changes with it.
    changed = edit_and_compare(folder, {"exp3": train(weight_decay=0.1), "exp1": train(epochs=2)})
    assert judge_change(changed).endswith(" New is `exp3` (test log loss 1.2000).")


def edit_and_compare(folder, changes):
    edit_params(folder, experiments=EXPERIMENTS | changes)
    reproduce(folder)
    return compare(folder)


def test_more_battles_of_train_leave_the_test_battles_as_they_are(folder):
    """The digest of the test battles is the same, and the table of all battles is another."""
    write_digest(folder, "a" * 64)
    commit(folder, "With a digest")
    write_more_battles(folder)
    assert verdicts(edit_and_compare_with_head(folder)) == {"exp1": "better"}
    write_digest(folder, "b" * 64)
    assert not compare(folder, "HEAD").is_possible


def write_digest(folder, digest):
    path = folder / "metrics/evaluation_details.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test_battles": digest}))


def write_more_battles(folder):
    path = folder / "data/battles.parquet"
    battles = pq.read_table(path)
    more = battles.slice(0, 3).set_column(0, "id", [[1000, 1001, 1002]])
    pq.write_table(pa.concat_tables([battles, more]), path)


def edit_and_compare_with_head(folder):
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.1)})
    reproduce(folder)
    return compare(folder, "HEAD")


def test_the_noise_of_an_unchanged_model_is_no_change():
    old = {
        name: {"log_loss": 1.0, "log_loss_noise": 0.1, "accuracy": 0.5} for name in ("exp1", "exp2")
    }
    new = {name: {**values, "log_loss_noise": 0.2} for name, values in old.items()}
    new["exp2"] = {**new["exp2"], "log_loss": 0.75}
    assert [
        (one.key, one.difference and round(one.difference, 9))
        for one in diff_headline(old, new, unchanged=["exp1"])
    ] == [("exp2.log_loss", -0.25), ("exp2.log_loss_noise", 0.1)]


def test_what_another_processor_trained_is_warned_of(folder):
    details = folder / "metrics/evaluation_details.json"
    for processor, message in (("fast | one", "Old machine"), ("slow", None)):
        values = json.loads(details.read_text())
        values["processors"] = {"exp1": processor, "exp2": processor}
        details.write_text(json.dumps(values))
        if message:
            commit(folder, message)
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.1)})
    reproduce(folder)
    comparison = compare(folder, "HEAD")
    said = "trained on another processor: exp1 on fast | one, now on slow."
    assert comparison.other_processor.startswith(said)
    assert "Warning:** trained on another processor: exp1 on fast" in comment_on(comparison)
    assert compare(folder, "HEAD~1").other_processor is None


def test_an_experiment_of_dvc_is_compared_by_its_name(folder, monkeypatch, capsys):
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.05)})
    reproduce(folder)
    run("dvc", "exp", "save", "--name", "lighter", folder=folder)
    run("git", "checkout", "--quiet", ".", folder=folder)
    monkeypatch.chdir(folder)
    print_comparison("main", "lighter")
    printed = capsys.readouterr().out
    assert "Larger than noise: `exp1` is better." in printed
    assert cells(printed, "exp1")[1:] == ["1.3000", "1.1500", "−0.1500 ± 0.1000", "**better**"]
    # The workspace has the results of main again.
    print_comparison("lighter", None)
    assert cells(capsys.readouterr().out, "exp1")[4] == "**worse**"


def test_what_cannot_be_compared_is_an_error_that_says_what_to_do(folder):
    with pytest.raises(BadInput, match=r"no revision 'none'.*git fetch"):
        find_revision("none", folder)
    run("git", "rm", "--quiet", "--cached", "metrics/evaluate.json", folder=folder)
    run("git", "commit", "--quiet", "--message", "No results", folder=folder)
    with pytest.raises(BadInput, match=r"HEAD has no metrics/evaluate.json.*dvc repro"):
        compare(folder, "HEAD")
