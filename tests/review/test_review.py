import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt
from review_example import (
    ARMS,
    BATTLES,
    ENVIRONMENT,
    commit,
    edit_params,
    make_repository,
    reproduce,
    run,
    train,
    write_battles,
    write_script,
)

from preference.battles.predictions import Predictions, write_predictions
from preference.config.params import load_params
from preference.rendering.markdown_text import code
from preference.runtime.errors import BadInput
from review.__main__ import main, read_arguments
from review.changes import Change, change_figures
from review.comment import LONGEST, Review, write_comment
from review.comparison import Comparison, compare_sides
from review.diffs import ROWS, Differing, find_stale_stages, read_diff
from review.reproduction import reproduce_both, reproduce_workspace
from review.results import Battles, open_side, read_row_losses
from review.revision import Revision, find_revision
from review.verdict import judge_change

HOSTILE = "<img src=x onerror=alert(1)> | `*x*` @someone [a](javascript:b) \n# title \u202e"
SHOWN = "&lt;img src=x onerror=alert(1)&gt; ¦ `*x*` @someone [a](javascript:b) # title \ufffd"
NOTHING = Comparison({}, [], [], [], [])


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory):
    """The example, reproduced and committed once."""
    folder = tmp_path_factory.mktemp("example") / "repository"
    make_repository(folder)
    return folder


@pytest.fixture
def folder(reproduced, tmp_path):
    """A copy of the example that a test may change."""
    return shutil.copytree(reproduced, tmp_path / "copy")


@pytest.fixture
def review(folder, monkeypatch):
    """Run the command in the copy, and return the comment."""

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["review", *arguments])
        main(read_arguments())
        return Path("pr-report/comment.md").read_text()

    monkeypatch.chdir(folder)
    for name in ("PATH", "PYTHONPATH", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    return run_command


def write(comparison, **changes):
    """The comment on a comparison of which nothing else is known."""
    review = Review(Revision("main", "c" * 40), comparison, params=[], metrics=[], verdict="")
    return write_comment(replace(review, **changes))


def compare(folder, base="main"):
    """Compare the workspace with a revision, without DVC's diffs."""
    old = open_side(base, folder, find_revision(base, folder))
    new = open_side("the workspace", folder)
    return compare_sides(old, new, load_params(folder / "params.yaml"))


def cells(comment, first):
    """The row of a table that begins with a code span."""
    row = next(line for line in comment.splitlines() if line.startswith(f"| `{first}`"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def verdicts(comparison):
    return {name: change.verdict for name, change in comparison.changes.items()}


def test_where_nothing_changed_the_comment_says_so(folder, review, capsys):
    comment = review("main")
    assert capsys.readouterr().out.startswith(comment)
    assert "**Nothing changed" in comment
    assert "- The same on both sides: `baseline`, `exp1`, `exp2`." in comment
    assert "None differs." in comment
    assert "Nothing in metrics/evaluate.json differs." in comment
    assert "- exp1 is it." in comment
    assert "No." not in comment
    assert "Warning" not in comment
    plots = (folder / "pr-report/plots/index.html").read_text()
    assert "battle" in plots and re.search("Content-Security-Policy.*'sha256-", plots)
    assert run("git", "status", "--porcelain", folder=folder) == ""


def test_a_change_beyond_its_noise_is_told_from_one_within(folder, review):
    worse = train(weight_decay=0.2, warmup_share=0.3)
    similar = train(weight_decay=0.21, warmup_share=0.5)
    edit_params(folder, experiments={"baseline": worse, "exp1": similar, "exp2": {}})
    reproduce(folder)
    comment = review("main")

    # By battle: baseline +0.2 ± 0.2 and exp1 +0.01 ± 0.4, so that t is 6.2 and 0.2.
    assert "**Larger than noise: `baseline` is worse.**" in comment
    assert "- Within noise, which is not the same as no change: `exp1`." in comment
    _, old, new, change, verdict = cells(comment, "baseline")
    assert (old, new, verdict) == ("1.1000", "1.3000", "**worse**")
    assert re.fullmatch(r"\+0\.2000 \[\+0\.1[34]\d\d, \+0\.2[67]\d\d\], p <\xa00\.001", change)
    _, old, new, change, verdict = cells(comment, "exp1")
    assert (old, new, verdict) == ("1.3000", "1.3100", "within noise")
    assert re.fullmatch(r"\+0\.0100 \[−0\.\d{4}, \+0\.\d{4}\], p =\xa00\.8\d\d", change)

    assert cells(comment, "experiments.baseline.train.weight_decay")[1:] == ["–", "0.2"]
    assert cells(comment, "baseline.log_loss")[1:] == ["1.1", "1.3", "+0.2"]
    assert "A model that was trained once" in comment


def test_what_is_better_the_same_new_and_gone_is_named(folder):
    arms = {"baseline": {}, "exp1": train(weight_decay=0.1), "exp3": {}}
    edit_params(folder, experiments=arms)
    reproduce(folder)
    comparison = compare(folder)
    assert verdicts(comparison) == {"exp1": "better"}
    assert (comparison.same, comparison.added, comparison.removed) == (
        ["baseline"],
        ["exp3"],
        ["exp2"],
    )
    comment = write(comparison, base=Revision("a|b", "c" * 40))
    assert "**Larger than noise: `exp1` is better.**" in comment
    assert "- The same on both sides: `baseline`." in comment
    assert "- Only here: `exp3`." in comment
    assert "- Only in `a¦b`: `exp2`." in comment


def test_other_test_battles_are_not_compared(folder):
    write_battles(folder, range(4, BATTLES + 4))
    edit_params(folder, experiments=ARMS | {"baseline": train(weight_decay=0.5)})
    reproduce(folder)
    comparison = compare(folder)
    assert not comparison.is_possible
    assert comparison.changes == {}
    assert judge_change(comparison).startswith("The change cannot be judged")
    assert comparison.basis[0].startswith("data/split/test.parquet differs between the sides")


def test_without_predictions_a_change_is_compared_with_the_noise_of_the_metrics(folder):
    write_script(folder, noise=0.05)
    beyond, within = train(weight_decay=0.12), train(weight_decay=0.28)
    edit_params(folder, experiments=ARMS | {"baseline": beyond, "exp1": within})
    reproduce(folder)
    shutil.rmtree(folder / ".dvc/cache")
    comparison = compare(folder)
    assert verdicts(comparison) == {"baseline": "worse", "exp1": "within noise"}
    # Of the two sides' noises the larger, that of main.
    assert comparison.changes["exp1"].noise == 0.1
    assert comparison.same == ["exp2"]
    assert "Not paired, because `data/scored/test` of `main`" in comparison.basis[0]


def test_without_predictions_and_noise_nothing_is_claimed():
    comment = write(replace(NOTHING, changes={"exp1": Change(old=1.0, new=2.0)}))
    assert "Larger than noise" not in comment
    assert "- How large the noise is is not known: `exp1`." in comment
    assert cells(comment, "exp1")[3:] == ["+1.0000", "noise unknown"]


def test_too_few_groups_judge_no_change(folder):
    write_battles(folder, range(10))
    reproduce(folder)
    commit(folder, "Few test battles")
    edit_params(folder, experiments=ARMS | {"exp1": train(weight_decay=0.1)})
    reproduce(folder)
    comparison = compare(folder, "HEAD")
    assert verdicts(comparison) == {"exp1": "noise unknown"}
    assert comparison.basis == [
        "Paired on the same 10 test battles in 10 groups, and not judged: 10 groups of battles are "
        "too few for an interval or a test; at least 30 are needed."
    ]
    comment = write(comparison)
    assert "**Test log losses changed; whether by more than their noise is unknown.**" in comment
    assert cells(comment, "exp1")[3:] == ["−0.1000, not tested", "noise unknown"]


def test_a_noise_that_a_side_does_not_know_is_not_compared_with():
    side = {"exp1": {"log_loss": 1.0, "log_loss_noise": None}}
    other = {"exp1": {"log_loss": 0.9, "log_loss_noise": None}}
    assert change_figures(side, other, ["exp1"])["exp1"].verdict == "noise unknown"
    other["exp1"]["log_loss_noise"] = 0.01
    assert change_figures(side, other, ["exp1"])["exp1"].verdict == "better"


def test_results_that_are_not_of_the_parameters_here_are_warned_of(folder):
    edit_params(folder, train={"epochs": 5})
    stale = find_stale_stages(folder)
    assert stale == ["evaluate"]
    assert "`dvc repro` would run `evaluate`" in write(NOTHING, stale_stages=stale)


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
    side, battles = open_side("here", tmp_path), Battles(ids, labels, ids)
    losses = read_row_losses(side, ["exp", "exp2", "prior", "blend"], battles)
    right = {name: sorted(np.exp(-rows[:, 0]).round(6)) for name, rows in losses.items()}
    assert right == {"exp": [0.1, 0.2], "exp2": [0.3], "prior": [0.4]}
    nonsense = Predictions(ids, np.full((3, 3), np.nan), np.full((3, 3), np.nan))
    write_predictions(nonsense, tmp_path / "data/scored/test/exp2/seed-1.parquet")
    with pytest.raises(BadInput, match=r"exp2/seed-1.parquet of here: .*not probabilities"):
        read_row_losses(side, ["exp", "exp2"], battles)


def test_names_and_values_cannot_mark_up_the_comment(monkeypatch):
    monkeypatch.setattr("preference.rendering.markdown_text.LONGEST_CODE", len(HOSTILE))
    comparison = Comparison({HOSTILE: Change(1.0, 2.0, noise=0.1)}, [HOSTILE], [HOSTILE], [], [])
    differing = [Differing("metrics/evaluate.json", HOSTILE, HOSTILE, HOSTILE, None)]
    comment = write(
        comparison,
        base=Revision(HOSTILE, "c" * 40),
        params=differing,
        metrics=differing,
        stale_stages=[HOSTILE],
        profile=HOSTILE,
        hidden_params=[HOSTILE],
    )
    page = MarkdownIt("commonmark").enable("table").render(comment)
    outside_code = re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    assert not re.search(r"img|alert|someone|javascript|title|[*|`]", outside_code)
    assert page.count(f"<code>{SHOWN}</code>") == 17
    widths = [
        len(re.findall("<t[hd]>", row)) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    ]
    # Changes, parameters and metrics, each with a heading and one row.
    assert widths == [5, 5, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("value", "span"),
    [
        ("", '`""'),
        (" \n ", '`""'),
        ("`", "`` ` "),
        ("a``b`c", "``` a``b`c "),
        ("a\\|b", "`a\\¦b"),
        ([1, "x"], "`[1, 'x']"),
    ],
)
def test_a_code_span_shows_its_value(value, span):
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert code(value) == span + fence
    page = MarkdownIt("commonmark").enable("table").render(f"| a |\n|---|\n| {code(value)} |")
    assert page.count("<td>") == page.count("<code>") == 1


def test_a_long_comment_is_cut_to_what_github_takes():
    long = "x" * 200
    differing = [Differing("m.json", f"{n}{long}", long, "`" * 200, 1) for n in range(500)]
    comment = write(NOTHING, params=differing, metrics=differing, verdict="z\n" * 40_000)
    assert f"… and {500 - ROWS} more." in comment
    # A line is dropped whole, and none is longer than a few rows' worth.
    assert LONGEST - 2_000 < len(comment) < 65_536
    assert comment.endswith("… cut here: a comment may be no longer.\n")


def test_both_sides_are_reproduced_with_a_profile_and_the_workspace_is_not_touched(folder, review):
    edit_params(folder, experiments=ARMS | {"exp1": train(weight_decay=0.1)})
    edit_params(folder, train={"epochs": 4})
    with pytest.raises(BadInput, match="git commit"):
        review("main", "--profile", "small")

    run("git", "switch", "--quiet", "--create", "change", folder=folder)
    commit(folder, "Less weight decay, not reproduced")
    before = (folder / "params.yaml").read_bytes()
    # Without a remote, the small profile is what --reproduce falls back to.
    comment = review("main", "--reproduce")
    assert "**Larger than noise: `exp1` is better.**" in comment
    # The profile's one epoch: 0.9 + weight_decay on both sides.
    assert cells(comment, "exp1")[1:3] == ["1.1000", "1.0000"]
    assert "both sides were reproduced with the profile `small`" in comment
    assert "the profile sets `train.epochs` itself" in comment
    assert cells(comment, "train.epochs")[1:] == ["`3`", "`4`"]
    assert (folder / "params.yaml").read_bytes() == before
    assert run("git", "status", "--porcelain", folder=folder) == ""
    assert len(run("git", "worktree", "list", folder=folder).splitlines()) == 1


def test_what_is_the_same_on_both_sides_runs_once(folder, monkeypatch, capfd):
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
    edit_params(folder, experiments=ARMS | {"exp1": train(weight_decay=0.1)})
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
    assert "Paired on the same 40 test battles in 40 groups" in comparison.basis[0]
    assert verdicts(comparison) == {"exp1": "better"}
    assert [round(comparison.changes["exp1"].old, 6), comparison.same] == [
        1.3,
        ["baseline", "exp2"],
    ]


def test_what_cannot_be_compared_is_an_error_that_says_what_to_do(folder):
    with pytest.raises(BadInput, match=r"no revision 'none'.*git fetch"):
        find_revision("none", folder)
    run("git", "rm", "--quiet", "--cached", "metrics/evaluate.json", folder=folder)
    run("git", "commit", "--quiet", "--message", "No results", folder=folder)
    with pytest.raises(BadInput, match=r"HEAD has no metrics/evaluate.json.*dvc repro"):
        compare(folder, "HEAD")


def test_the_command_tells_an_error_in_a_line(folder):
    error = run(sys.executable, "-m", "review", "none", folder=folder, succeeds=False)
    assert error.startswith("error: git knows no revision 'none'")
    assert len(error.splitlines()) == 1
