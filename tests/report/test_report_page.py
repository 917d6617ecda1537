"""The page is safe to open whatever the battles say, and can be read without seeing it."""

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from browser import look_at, needs_browser
from evaluation_example import example_battle, example_details
from report_pages import Page, inputs_of, markdown_rows

from preference.report.render import render_html, render_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "</div></details><img src=x onerror=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "broken \ufffd and <!-- no comment",
    "مرحبا \u202e reversed",
    "emoji 😀👩‍👩‍👧 & &amp; \"quotes\" 'and' more",
    "line one\n    line two\n\n| a | table |",
]


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    hardest = [example_battle(prompt=text, response_a=text, response_b=text) for text in HOSTILE]
    return Page(render_html(inputs_of(tmp_path_factory.mktemp("report"), hardest=hardest)))


def test_the_texts_of_battles_are_text(hostile_page):
    shown = hostile_page.texts_of("div", **{"class": "text"})
    assert shown == [text for text in HOSTILE for _ in range(3)]
    assert {"script", "img"}.isdisjoint(hostile_page.tags())


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
    # Those of the models, and those of the experiments.
    assert len({len(row) for row in rows}) == 2
    assert r"\<b>x\</b>\|y" in [row[0] for row in rows]


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
