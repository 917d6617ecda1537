"""The leaderboard in the report."""

import json

from planted_battles import example_leaderboard
from report_pages import Page, inputs_of

from preference.report.inputs import read_report_inputs
from preference.report.leaderboard_section import (
    describe_leaderboard,
    judge_table,
    leaderboard_table,
)
from preference.report.render import render_html, render_markdown

JUDGES = ["baseline", "exp1", "length"]


def render_with(folder, leaderboard):
    inputs_of(folder)
    (folder / "metrics/leaderboard.json").write_text(json.dumps(leaderboard))
    inputs = read_report_inputs(folder / "metrics", folder / "data/scored/hardest.json")
    return render_markdown(inputs), render_html(inputs)


def test_both_pages_have_ranks_agreement_and_names_as_text(tmp_path):
    names = ("ada", "<script>alert(1)</script>", "| a | [b](c)", "dee", "eve")
    leaderboard = example_leaderboard(JUDGES, names=names)
    report, page = render_with(tmp_path, leaderboard)
    rating = leaderboard["models"][0]["rating"]["value"]
    assert "600 battles between 5 models" in report
    for text in (report, page):
        assert f"ada is first with {rating:,.0f} [" in text
        assert "with the true ones" in text
    read = Page(page)
    assert "Judges in the place of the votes" in read.texts_of("caption")
    assert all(name in read.texts_of("th") for name in (*JUDGES, *names, "true rating"))
    assert "Ratings by votes, the first 5 models" in read.texts_of("figcaption")
    assert "<script" not in page and "<script" not in report.replace("\\<script", "")


def test_real_battles_have_no_truth():
    leaderboard = example_leaderboard(JUDGES, simulated=False)
    said = " ".join(one.text for one in describe_leaderboard(leaderboard, "exp1"))
    assert "true" not in said and "by exp1 with those by the votes is" in said
    tables = leaderboard_table(leaderboard, "exp1"), judge_table(leaderboard)
    assert not any("true" in title or "truth" in title for one in tables for title in one.header)


def test_a_judge_that_flattens_the_ratings_underrates_the_first():
    leaderboard = example_leaderboard(JUDGES, simulated=False)
    said = " ".join(one.text for one in describe_leaderboard(leaderboard, "length"))
    assert "length significantly overrates eve" in said and "underrates ada" in said
    table = leaderboard_table(leaderboard, "length")
    assert table.header[-1] == "length minus votes"
    assert table.rows[0][0].value == "ada" and table.rows[0][-1].value.startswith("−")


def test_few_battles_say_that_they_show_nothing():
    record = {"observed": 0.4, "corrected": {"value": 0.7, "low": -1.0, "high": 1.0}}
    leaderboard = example_leaderboard(JUDGES, simulated=False)
    leaderboard["judged"]["judges"]["exp1"]["rank_correlation"] = record
    row = next(row for row in judge_table(leaderboard).rows if row[0].value == "exp1")
    assert (row[1].value, row[1].interval) == ("unclear", "[−1.00, 1.00]")
    leaderboard["models"][-1] |= {"rank": None, "rating": {"value": 1.0, "low": None, "high": None}}
    said = " ".join(one.text for one in describe_leaderboard(leaderboard, "exp1"))
    assert "anything in [−1.00, 1.00] (0.40 without correction for chance); so few battles" in said
    assert "Too few battles for an interval and a rank: eve." in said


def test_without_names_the_reason_is_shown(tmp_path):
    report, page = render_with(
        tmp_path, {"reason": "There is no leaderboard: why.", "left_out": {}}
    )
    for text in (report, " ".join(Page(page).texts_of("body"))):
        assert "There is no leaderboard: why." in text
