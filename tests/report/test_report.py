import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import jinja2
import pytest
from browser import look_at, needs_browser
from evaluation_example import (
    estimate,
    example_battle,
    example_details,
    example_split,
    of_few_groups,
    write_example,
    write_json,
)
from repository import REPOSITORY

from preference.rendering.markdown_text import escape_markdown
from preference.rendering.numbers import join, number, signed
from preference.report.inputs import read_report_inputs
from preference.report.render import render_html, render_markdown
from preference.runtime.errors import BadInput

ARMS = ("baseline", "exp1")
VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</div></details><img src=x onerror=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "broken \ufffd and <!-- no comment",
    "مرحبا \u202e reversed",
    "emoji 😀👩‍👩‍👧 & &amp; \"quotes\" 'and' more",
    "line one\n    line two\n\n| a | table |",
]


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text of each class."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes), []))

    def handle_endtag(self, tag):
        opened, attributes, parts = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        text = "".join(parts)
        self.texts.append((tag, attributes, text))
        if self.open:
            self.open[-1][2].append(text)

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)

    def tags(self):
        return [tag for tag, _ in self.elements]

    def texts_of(self, tag, **attributes):
        return [
            text
            for found, values, text in self.texts
            if found == tag and attributes.items() <= values.items()
        ]


def inputs_of(folder, details=None, hardest=(), **options):
    write_example(folder, details or example_details(ARMS), hardest, **options)
    return read_report_inputs(folder / "metrics", folder / "data/scored/hardest.json")


def figures_in(text):
    return [float(each) for each in re.findall(r"[-+]?\d+\.\d+", text.replace("−", "-"))]


def markdown_rows(report):
    """Cells of the table, split at pipes that are not escaped."""
    lines = [line for line in report.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    hardest = [example_battle(prompt=text, response_a=text, response_b=text) for text in HOSTILE]
    return Page(render_html(inputs_of(tmp_path_factory.mktemp("report"), hardest=hardest)))


def test_the_texts_of_battles_are_text(hostile_page):
    shown = hostile_page.texts_of("div", **{"class": "text"})
    assert shown == [text for text in HOSTILE for _ in range(3)]
    assert {"script", "img"}.isdisjoint(hostile_page.tags())


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


def test_the_page_loads_and_runs_nothing(hostile_page):
    attributes = [item for _, values in hostile_page.elements for item in values.items()]
    links = [value for name, value in attributes if name.split(":")[-1] in ("href", "src")]
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert not any(name.startswith("on") for name, _ in attributes)
    assert {"iframe", "object", "embed", "form", "base"}.isdisjoint(hostile_page.tags())
    styles = [*hostile_page.texts_of("style"), *(value for _, value in attributes if value)]
    assert not any("url(" in style or "@import" in style for style in styles)


def policy_of(page):
    (policy,) = (values["content"] for _, values in page.elements if "http-equiv" in values)
    return dict(directive.strip().split(" ", 1) for directive in policy.split(";"))


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(hostile_page):
    """Where text got into the page as markup after all, a browser would not run it."""
    (style,) = hostile_page.texts_of("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy_of(hostile_page) == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not any("style" in values for _, values in hostile_page.elements)


@needs_browser
def test_a_browser_runs_no_script_that_gets_into_the_page(tmp_path):
    page = render_html(inputs_of(tmp_path))
    title, complaints = look_at(page, tmp_path)
    assert title.endswith("Report") and complaints == []
    planted = page.replace("<main>", '<main><script>document.title = "ran"</script>')
    assert look_at(planted.replace("Content-Security-Policy", "X"), tmp_path)[0] == "ran"
    title, complaints = look_at(planted, tmp_path)
    assert title.endswith("Report")
    assert any("Content Security Policy" in complaint for complaint in complaints)


def test_names_are_escaped_wherever_they_stand(tmp_path):
    name = "<b>x</b>|y"
    details = example_details(("baseline", name))
    inputs = inputs_of(tmp_path, details)
    page = Page(render_html(inputs))
    assert "b" not in page.tags()
    assert name in page.texts_of("th", scope="row")
    assert name in page.texts_of("text")
    rows = markdown_rows(render_markdown(inputs))
    assert len({len(row) for row in rows}) == 1
    assert r"\<b>x\</b>\|y" in [row[0] for row in rows]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("p < 0.001 [0.91, 0.95]", "p < 0.001 [0.91, 0.95]"),
        ("a|b", r"a\|b"),
        ("*a* _b_ `c`", r"\*a\* \_b\_ \`c\`"),
        ("[a](http://b)", "\\[a\\](http:\u2060//b)"),
        ("<img src=x>&lt;", r"\<img src=x>\&lt;"),
        ("two\n\nlines", "two lines"),
        ("back\\slash", r"back\\slash"),
        ("36.5\u00a0% [\u22120.1, +0.2]", "36.5\u00a0% [\u22120.1, +0.2]"),
        ("a \r b\x0b\u2028c \x1b[2J\u202e", "a b c \ufffd[2J\ufffd"),
    ],
)
def test_markdown_is_escaped_where_it_would_be_markup(text, escaped):
    assert escape_markdown(text) == escaped


def planted_details():
    """Figures that differ in every cell, so that none can stand in another's place."""
    details = example_details(ARMS)
    keys = ("log_loss", "accuracy", "f1_macro", "flip_rate")
    for row, model in enumerate(details["models"].values(), start=1):
        for column, key in enumerate(keys):
            model[key] = estimate(row / 10 + column / 100, 0.001 * row)
    return details, keys


def test_the_tables_show_the_figures(tmp_path):
    details, keys = planted_details()
    inputs = inputs_of(tmp_path, details)
    lines = {row[0].split(" (")[0]: row for row in markdown_rows(render_markdown(inputs))[2:]}
    assert list(lines) == list(details["models"])
    rows = Page(render_html(inputs)).texts_of("tr")[1 : len(details["models"]) + 1]
    cells = {row.split()[0]: row for row in rows}
    for name, model in details["models"].items():
        expected = [model[key][bound] for key in keys for bound in ("value", "low", "high")]
        in_markdown = [figure for cell in lines[name][1:5] for figure in figures_in(cell)]
        assert in_markdown == pytest.approx(expected, abs=5e-4)
        assert figures_in(cells[name])[: len(expected)] == pytest.approx(expected, abs=5e-4)
    change = details["differences"]["baseline"]["exp1"]
    expected = [change[key] for key in ("value", "low", "high")]
    assert figures_in(lines["exp1"][5]) == pytest.approx(expected, abs=5e-5)
    assert float(lines["exp1"][6]) == change["p_holm"]
    assert lines["baseline"][5:7] == ["–", "–"]


def test_figures_without_intervals_are_shown_and_said(tmp_path):
    details = of_few_groups(example_details(ARMS))
    details["models"]["exp1"]["temperature_at_bound"] = True
    inputs = inputs_of(tmp_path, details, [example_battle()])
    page, report = render_html(inputs), render_markdown(inputs)
    for text in (page, report):
        assert "2 groups of battles are too few for an interval or a test" in text
        assert "(no interval)" in text
        assert not re.search(r"\b(None|NaN|nan|null)\b", text)
    assert "(a bound: none is best)" in page
    row = next(row for row in markdown_rows(report) if row[0] == "exp1")
    assert row[1:3] == ["0.9433 (no interval)", "0.537 (no interval)"]
    assert row[5:7] == ["+0.0001 (no interval)", "not tested"]


def test_warnings_stand_out_and_a_leak_comes_first(tmp_path):
    details = example_details(ARMS)
    details["differences"]["oracle"]["exp1"] = {"value": -0.2, "low": -0.3, "high": -0.1}
    write_example(tmp_path, details)
    write_json(tmp_path / "metrics/split.json", {**example_split(), "shared_prompts": 2})
    inputs = read_report_inputs(tmp_path / "metrics", tmp_path / "data/scored/hardest.json")
    bullets = [line for line in render_markdown(inputs).splitlines() if line.startswith("- ")]
    assert bullets[0] == "- **Warning: 2 prompts are in more than one split: a leak.**"
    strong = Page(render_html(inputs)).texts_of("strong", **{"class": "warning"})
    assert any("exp1 is better than the oracle" in text for text in strong)


def test_log_loss_without_near_duplicates_is_told_where_there_are_any(tmp_path):
    expected = (
        "24 of 1,199 test battles (2.0\u00a0%) have a prompt that is nearly one of train",
        "Log loss without them: baseline 0.9500 [0.9300, 0.9700] (with them 0.9432); exp1 0.95",
    )
    for simulated in (True, False):
        details = example_details(ARMS, simulated)
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
    details = example_details(ARMS, simulated=False)
    inputs = inputs_of(tmp_path, details, simulated=False)
    page = Page(render_html(inputs))
    headings = page.texts_of("h2")
    assert "Simulated truth" not in headings and "Data" in headings
    for text in (" ".join(page.texts_of("body")), render_markdown(inputs)):
        assert "Real battles" in text
        assert "imulated" not in text and "oracle" not in text


def test_a_blend_is_shown_where_there_is_one(tmp_path):
    without = Page(render_html(inputs_of(tmp_path / "without")))
    assert "No blend was asked for." in " ".join(without.texts_of("p"))
    weights = {"baseline": 0.7, "tfidf": 0.3}
    details = example_details((*ARMS, "blend"), weights=weights)
    blended = Page(render_html(inputs_of(tmp_path / "with", details)))
    table = next(each for each in blended.texts_of("table") if "Weights of the blend" in each)
    assert figures_in(table) == [0.7, 0.3]


def test_the_page_can_be_read_without_seeing_it(hostile_page):
    page = hostile_page
    elements = dict(page.elements)
    assert elements["html"]["lang"] == "en"
    levels = [int(tag[1]) for tag in page.tags() if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in values for tag, values in page.elements if tag == "th")
    pictures = [values for _, values in page.elements if values.get("role") == "img"]
    assert len(pictures) == page.tags().count("figure") > 0
    assert all(len(values["aria-label"]) > 20 for values in pictures)
    identifiers = [values["id"] for _, values in page.elements if "id" in values]
    assert len(identifiers) == len(set(identifiers))
    anchors = {values["href"] for tag, values in page.elements if tag == "a"}
    assert anchors == {f"#{each}" for each in identifiers}


def test_figures_read_as_a_person_writes_them():
    assert number(-0.00001) == "0.0000"
    assert number(-1234.5, 1) == "−1,234.5"
    assert signed(0.00651) == "+0.0065"
    assert signed(-0.00651) == "−0.0065"
    assert [join(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_a_figure_that_is_missing_is_an_error(tmp_path):
    battle = example_battle()
    del battle["response_b"]
    with pytest.raises(jinja2.UndefinedError):
        render_html(inputs_of(tmp_path, hardest=[battle]))


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("metrics/evaluation_details.json", "evaluate"),
        ("metrics/data.json", "fetch"),
        ("metrics/train/exp1/metrics.json", "train_exp1"),
        ("metrics/train/exp1/plots/metrics/eval/log_loss.tsv", "train_exp1"),
        ("data/scored/hardest.json", "evaluate"),
    ],
)
def test_a_missing_file_names_its_stage(tmp_path, path, stage):
    inputs_of(tmp_path)
    (tmp_path / path).unlink()
    with pytest.raises(BadInput, match=f"{path} does not exist: run `dvc repro {stage}`"):
        read_report_inputs(tmp_path / "metrics", tmp_path / "data/scored/hardest.json")


def run_stage(folder, hash_seed):
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, "-m", "stages.report"]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return [(folder / "metrics" / name).read_bytes() for name in ("report.md", "report.html")]


def test_the_stage_writes_the_same_bytes_again(tmp_path):
    details = example_details(ARMS)
    write_example(tmp_path, json.loads(json.dumps(details)), [example_battle()])
    assert run_stage(tmp_path, hash_seed=1) == run_stage(tmp_path, hash_seed=2)


def test_the_stage_needs_no_network_framework():
    code = "import sys, stages.report; print({'tensorflow', 'keras', 'jax'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
