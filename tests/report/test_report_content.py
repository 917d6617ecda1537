"""The report shows the metrics, warnings and battles that it was given."""

import re

import pytest
from evaluation_example import (
    difference,
    estimate,
    example_battle,
    example_details,
    example_split,
    of_few_groups,
    write_example,
    write_json,
)
from report_pages import EXPERIMENTS, Page, inputs_of, markdown_rows, numbers_in

from preference.report.inputs import read_report_inputs
from preference.report.render import render_html, render_markdown


def test_every_turn_is_shown_in_its_place(tmp_path):
    battle = {
        **example_battle(),
        "prompt": ["first", "second"],
        "response_a": ["a1", ""],
        "response_b": ["b1", "b2"],
    }
    page = Page(render_html(inputs_of(tmp_path, hardest=[battle])))
    assert page.texts_of("div", **{"class": "text"}) == ["first", "second", "a1", "", "b1", "b2"]
    summary = page.texts_of("summary")[0].replace("\u00a0", " ")
    assert "label is A; predicted A 4 %, B 60 %, tie 36 %" in summary


def planted_details():
    """Figures that differ in every cell, so that none can stand in another's place."""
    details = example_details(EXPERIMENTS)
    keys = ("log_loss", "accuracy", "f1_macro", "flip_rate")
    for row, model in enumerate(details["models"].values(), start=1):
        for column, key in enumerate(keys):
            model[key] = estimate(row / 10 + column / 100, 0.001 * row)
    return details, keys


def test_the_tables_show_the_figures(tmp_path):
    details, keys = planted_details()
    inputs = inputs_of(tmp_path, details)
    # The table of the experiments has three columns, and follows.
    found = [row for row in markdown_rows(render_markdown(inputs))[2:] if len(row) > 3]
    lines = {row[0].split(" (")[0]: row for row in found}
    assert list(lines) == list(details["models"])
    rows = Page(render_html(inputs)).texts_of("tr")[1 : len(details["models"]) + 1]
    cells = {row.split()[0]: row for row in rows}
    for name, model in details["models"].items():
        expected = [model[key][bound] for key in keys for bound in ("value", "low", "high")]
        in_markdown = [figure for cell in lines[name][1:5] for figure in numbers_in(cell)]
        assert in_markdown == pytest.approx(expected, abs=5e-4)
        assert numbers_in(cells[name])[: len(expected)] == pytest.approx(expected, abs=5e-4)
    change = details["differences"]["baseline"]["exp1"]
    expected = [change[key] for key in ("value", "low", "high")]
    assert numbers_in(lines["exp1"][5]) == pytest.approx(expected, abs=5e-5)
    assert float(lines["exp1"][6]) == change["p_holm"]
    assert lines["baseline"][5:7] == ["–", "–"]


def test_figures_without_intervals_are_shown_and_said(tmp_path):
    details = of_few_groups(example_details(EXPERIMENTS))
    details["models"]["exp1"]["temperature_at_bound"] = True
    inputs = inputs_of(tmp_path, details, [example_battle()])
    page, report = render_html(inputs), render_markdown(inputs)
    for text in (page, report):
        assert "2 groups of battles are too few for an interval or a test" in text
        assert "(no interval)" in text
        assert not re.search(r"\b(None|NaN|nan|null)\b", text)
    assert "(a bound)" in page
    row = next(row for row in markdown_rows(report) if row[0] == "exp1")
    assert row[1:3] == ["0.9433 (no interval)", "0.537 (no interval)"]
    assert row[5:7] == ["+0.0001 (no interval)", "not tested"]


def test_warnings_stand_out_and_a_leak_comes_first(tmp_path):
    details = example_details(EXPERIMENTS)
    details["differences"]["oracle"]["exp1"] = difference(-0.2, 0.1, p_holm=0.001)
    write_example(tmp_path, details)
    write_json(tmp_path / "metrics/split.json", {**example_split(), "shared_prompts": 2})
    inputs = read_report_inputs(tmp_path / "metrics", tmp_path / "data/scored/hardest.json")
    verdict = render_markdown(inputs).partition("## Verdict\n\n")[2]
    assert verdict.startswith("**Warning: 2 prompts are in more than one split: a leak.**\n\n- ")
    strong = Page(render_html(inputs)).texts_of("strong", **{"class": "warning"})
    assert any("exp1 is significantly better than the oracle" in text for text in strong)


def test_log_loss_without_near_duplicates_is_told_where_there_are_any(tmp_path):
    expected = (
        "24 of 1,199 test battles (2.0\u00a0%) have a prompt that is nearly the same as one "
        "in train",
        "Log loss without them: baseline 0.9500 [0.9300, 0.9700] (with them 0.9432); exp1 0.95",
    )
    for simulated in (True, False):
        details = example_details(EXPERIMENTS, simulated)
        losses = {name: estimate(0.95) for name in details["models"]}
        details["near_duplicates"] = {"rows": 24, "rate": 24 / 1199, "log_loss_without": losses}
        inputs = inputs_of(tmp_path, details, simulated=simulated)
        text = render_markdown(inputs)
        assert all(sentence in text for sentence in expected)
        assert ("made from templates" in text) == simulated
    page = " ".join(Page(render_html(inputs)).texts_of("li"))
    assert all(sentence in page for sentence in (*expected, "7 in test (0.6\u00a0%)"))


def test_no_near_duplicates_need_no_words(tmp_path):
    assert "Near duplicates" not in render_markdown(inputs_of(tmp_path))


def test_real_battles_have_no_truth_to_show(tmp_path):
    details = example_details(EXPERIMENTS, simulated=False)
    inputs = inputs_of(tmp_path, details, simulated=False)
    page = Page(render_html(inputs))
    headings = page.texts_of("h2")
    assert "Simulated truth" not in headings and "Data" in headings
    for text in (" ".join(page.texts_of("body")), render_markdown(inputs)):
        assert "Real battles" in text
        assert "imulated" not in text and "oracle" not in text


def test_a_blend_is_shown_where_there_is_one(tmp_path):
    without = Page(render_html(inputs_of(tmp_path / "without")))
    assert "There is no blend" in " ".join(without.texts_of("p"))
    weights = {"baseline": 0.7, "tfidf": 0.3}
    details = example_details((*EXPERIMENTS, "blend"), weights=weights)
    blended = Page(render_html(inputs_of(tmp_path / "with", details)))
    table = next(each for each in blended.texts_of("table") if "Weights of the blend" in each)
    assert numbers_in(table) == [0.7, 0.3]


def test_the_importance_of_features_is_shown_the_largest_first(tmp_path):
    page = Page(render_html(inputs_of(tmp_path)))
    table = next(each for each in page.texts_of("table") if "group of features" in each)
    assert re.findall(r"length|tone|format", table) == ["tone", "length", "format"]
    assert numbers_in(table) == [0.1018, 0.0012, -0.0001]


def test_each_experiment_is_described_by_what_it_changes(tmp_path):
    inputs = inputs_of(tmp_path, example_details(EXPERIMENTS))
    rows = [row for row in markdown_rows(render_markdown(inputs)) if len(row) == 3]
    described = {
        "baseline": "the shared parameters",
        "exp1": "train.optimizer adam to adamw; train.weight_decay 0.0 to 0.01",
    }
    expected = [[name, text.replace("_", r"\_"), "2024"] for name, text in described.items()]
    assert rows[2:] == expected
    page = Page(render_html(inputs)).texts_of("td")
    assert all(text in page for text in described.values())
