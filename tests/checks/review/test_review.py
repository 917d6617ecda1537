"""The command, run in a repository as a user and continuous integration run it."""

import re
import sys

import pytest
from review_example import (
    ENVIRONMENT,
    EXPERIMENTS,
    cells,
    commit,
    compare,
    edit_params,
    reproduce,
    run,
    train,
    verdicts,
)

from checks.review.diffs import read_diff
from checks.review.reproduction import reproduce_both, reproduce_workspace
from checks.review.revision import find_revision
from preference.runtime.errors import BadInput


def test_where_nothing_changed_the_comment_says_so(folder, review, capsys):
    comment = review("main")
    assert capsys.readouterr().out.startswith(comment)
    assert "**No test log loss changed" in comment
    assert "- The same in both versions: `baseline`, `exp1`, `exp2`." in comment
    assert "None differs." in comment
    assert "Nothing in metrics/evaluate.json differs." in comment
    assert "exp2 has the lowest log loss" in comment
    assert "Warning" not in comment
    plots = (folder / "pr-report/plots/index.html").read_text()
    assert "battle" in plots and re.search("Content-Security-Policy.*'sha256-", plots)
    assert run("git", "status", "--porcelain", folder=folder) == ""


def test_a_change_beyond_its_noise_is_distinguished_from_one_within(folder, review):
    worse, similar = train(weight_decay=0.2), train(weight_decay=0.21)
    edit_params(folder, experiments={"baseline": worse, "exp1": similar, "exp2": {}})
    reproduce(folder)
    comment = review("main")

    assert "**Larger than noise: `baseline` is worse.**" in comment
    assert "- Within noise, which is not the same as no change: `exp1`." in comment
    change = ["1.1000", "1.3000", "+0.2000 ± 0.1000", "**worse**"]
    assert cells(comment, "baseline")[1:] == change
    change = ["1.3000", "1.3100", "+0.0100 ± 0.1000", "within noise"]
    assert cells(comment, "exp1")[1:] == change

    assert cells(comment, "experiments.baseline.train.weight_decay")[1:] == ["–", "0.2"]
    assert cells(comment, "baseline.log_loss")[1:] == ["1.1", "1.3", "+0.2"]


def test_both_versions_are_reproduced_with_a_profile_outside_the_workspace(folder, review):
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.1)})
    edit_params(folder, train={"epochs": 4})
    with pytest.raises(BadInput, match="git commit"):
        review("main", "--profile", "small")

    run("git", "switch", "--quiet", "--create", "change", folder=folder)
    commit(folder, "Less weight decay, not reproduced")
    before = (folder / "params.yaml").read_bytes()
    # Without a remote, the small profile is what --reproduce falls back to.
    comment = review("main", "--reproduce")
    assert "**Larger than noise: `exp1` is better.**" in comment
    # The profile's one epoch: 0.9 + weight_decay in both versions.
    assert cells(comment, "exp1")[1:3] == ["1.1000", "1.0000"]
    assert "both versions were reproduced with the profile `small`" in comment
    assert "the profile sets `train.epochs` itself" in comment
    assert cells(comment, "train.epochs")[1:] == ["`3`", "`4`"]
    assert (folder / "params.yaml").read_bytes() == before
    assert run("git", "status", "--porcelain", folder=folder) == ""
    assert len(run("git", "worktree", "list", folder=folder).splitlines()) == 1


def test_stages_that_are_the_same_in_both_versions_run_once(folder, monkeypatch, capfd):
    (folder / "notes.md").write_text("No code.")
    commit(folder, "Notes")
    for name in ("PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    with reproduce_both(find_revision("HEAD~1", folder), "small", folder) as sides:
        assert read_diff("metrics", sides.base, sides.folder) == []
        assert (sides.folder / "notes.md").exists()
    assert capfd.readouterr().out.count("Running stage 'evaluate'") == 1


def test_a_shallow_clone_of_a_merge_fetches_results_from_the_remote(folder, tmp_path, monkeypatch):
    """As continuous integration does: see .github/workflows/pr.yaml."""
    store = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'store'}\n"
    (folder / ".dvc/config").write_text(store)
    commit(folder, "Remote")
    run("git", "switch", "--quiet", "--create", "change", folder=folder)
    edit_params(folder, experiments=EXPERIMENTS | {"exp1": train(weight_decay=0.1)})
    reproduce(folder)
    commit(folder, "Less weight decay")
    run("git", "switch", "--quiet", "main", folder=folder)
    run("git", "merge", "--quiet", "--no-ff", "--no-edit", "change", folder=folder)
    run("dvc", "push", "--quiet", "--all-commits", folder=folder)
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", "--depth=2", folder.as_uri(), str(clone), folder=tmp_path)
    run("git", "branch", "base", "HEAD^1", folder=clone)

    monkeypatch.setenv("PATH", ENVIRONMENT["PATH"])
    assert reproduce_workspace(clone)
    comparison = compare(clone, "base")
    assert verdicts(comparison) == {"exp1": "better"}
    assert [round(comparison.changes["exp1"].old, 6), comparison.same] == [
        1.3,
        ["baseline", "exp2"],
    ]


def test_an_error_is_reported_in_one_line(folder):
    error = run(sys.executable, "-m", "checks.review", "none", folder=folder, succeeds=False)
    assert error.startswith("error: git knows no revision 'none'")
    assert len(error.splitlines()) == 1
