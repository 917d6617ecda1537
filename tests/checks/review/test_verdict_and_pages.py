"""The verdict on the new version comes from its metrics, and not from the text of its report."""

import json

import pytest
from evaluation_example import example_battle, example_details, write_example, write_json

from checks.review.evaluation import describe_verdict
from preference.report.inputs import read_report_inputs
from preference.report.render import render_markdown

EXPERIMENTS = ("baseline", "exp1")


@pytest.fixture
def folder(tmp_path):
    write_example(tmp_path, example_details(EXPERIMENTS), [example_battle()])
    return tmp_path


def write_report(folder):
    """Write the Markdown report, and return it."""
    inputs = read_report_inputs(folder / "metrics", folder / "data/scored/hardest.json")
    report = render_markdown(inputs)
    (folder / "metrics/report.md").write_text(report)
    return report


def test_the_verdict_is_that_of_the_report(folder):
    assert describe_verdict(folder) in write_report(folder)


def test_other_headings_and_words_in_the_report_change_nothing(folder):
    report, path = write_report(folder), folder / "metrics/report.md"
    expected = describe_verdict(folder)
    assert expected.startswith("Use baseline: log loss")
    for reworded in (report.replace("## Verdict", "## Findings"), "## Verdict\n\n- exp9 wins.\n"):
        assert reworded != report
        path.write_text(reworded)
        assert describe_verdict(folder) == expected
    path.unlink()
    assert describe_verdict(folder) == expected


def test_other_metrics_change_the_verdict(folder):
    path = folder / "metrics/evaluation_details.json"
    details = json.loads(path.read_text())
    details["models"]["exp1"]["log_loss"]["value"] = 0.5
    write_json(path, details)
    said = (
        "Keep baseline: no experiment is significantly better on 1,199 simulated test battles. exp1"
    )
    assert describe_verdict(folder).startswith(said)


def test_names_cannot_mark_up_the_verdict(tmp_path):
    name = "<img src=x>"
    write_example(tmp_path, example_details((name,)))
    assert r"\<img src=x>" in describe_verdict(tmp_path)


def test_a_warning_stands_out(folder):
    path = folder / "metrics/split.json"
    write_json(path, json.loads(path.read_text()) | {"shared_prompts": 2})
    first, *_ = describe_verdict(folder).splitlines()
    assert first == "**Warning: 2 prompts are in more than one split: a leak.**"


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("evaluation_details.json", "evaluate"),
        ("split.json", "split"),
        ("train/exp1/metrics.json", "train_exp1"),
    ],
)
def test_without_metrics_the_stage_that_makes_them_is_named(folder, file, stage):
    (folder / "metrics" / file).unlink()
    said = describe_verdict(folder).replace("\\", "")
    assert said.startswith("There is no verdict: ")
    assert f"dvc repro {stage}" in said
