"""The comment as Markdown: nothing in it is markup that should not be, and it is short enough."""

import re

import pytest
from markdown_it import MarkdownIt
from review_example import NO_CHANGES, comment_on, edit_params

from checks.review.changes import Change
from checks.review.comment import LONGEST
from checks.review.comparison import Comparison
from checks.review.diffs import ROWS, DifferingValue, find_stale_stages
from checks.review.revision import Revision
from preference.rendering.markdown_text import code

HOSTILE = "<img src=x onerror=alert(1)> | `*x*` @someone [a](javascript:b) \n# title \u202e"
SHOWN = "&lt;img src=x onerror=alert(1)&gt; ¦ `*x*` @someone [a](javascript:b) # title \ufffd"


def test_results_that_are_not_of_the_parameters_here_are_warned_of(folder):
    edit_params(folder, train={"epochs": 5})
    stale = find_stale_stages(folder)
    assert stale == ["evaluate"]
    assert "`dvc repro` would run `evaluate`" in comment_on(NO_CHANGES, stale_stages=stale)


def test_names_and_values_cannot_mark_up_the_comment(monkeypatch):
    monkeypatch.setattr("preference.rendering.markdown_text.LONGEST_CODE", len(HOSTILE))
    comparison = Comparison(
        {HOSTILE: Change(1.0, 2.0, noise=0.1)}, [HOSTILE], {HOSTILE: 1.0}, [], []
    )
    differing = [DifferingValue("metrics/evaluate.json", HOSTILE, HOSTILE, HOSTILE, None)]
    comment = comment_on(
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
    assert page.count(f"<code>{SHOWN}</code>") == 18
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
    differing = [DifferingValue("m.json", f"{n}{long}", long, "`" * 200, 1) for n in range(500)]
    comment = comment_on(NO_CHANGES, params=differing, metrics=differing, verdict="z\n" * 40_000)
    assert f"… and {500 - ROWS} more." in comment
    # A line is dropped whole, and none is longer than a few rows' worth.
    assert LONGEST - 2_000 < len(comment) < 65_536
    assert comment.endswith("… cut here: a comment may be no longer.\n")
