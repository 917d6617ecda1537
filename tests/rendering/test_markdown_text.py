"""Foreign text in Markdown is text, as another implementation of Markdown reads it."""

import re

import pytest
from hypothesis import example, given
from rendered_markdown import COMMIT, EMOJI, HOSTILE, LINKS, MARKDOWN, TEXTS, parse

from preference.rendering.markdown_text import WORD_JOINER, code, escape_markdown

PLACES = ["{}", "- {}", "> {}", "# {}: heading", "**Warning: {}**", "text {} text", "1. {}"]


def with_examples(test):
    for text in HOSTILE:
        test = example(text)(test)
    return test


@pytest.mark.parametrize("place", PLACES)
@with_examples
@given(TEXTS)
def test_no_text_is_markup(place, text):
    escaped = escape_markdown(text)
    types, shown = parse(place.format(escaped or "x"))
    plain_types, _ = parse(place.format("plain"))
    assert [kind for kind in types if kind != "text"] == [k for k in plain_types if k != "text"]
    assert not any(pattern.search(shown) for pattern in (LINKS, EMOJI, COMMIT))


@with_examples
@given(TEXTS)
def test_the_text_is_shown_as_it_is(text):
    _, shown = parse(f"x {escape_markdown(text)}")
    visible = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    assert shown.replace(WORD_JOINER, "").replace("\u00a0", " ").split() == f"x {visible}".split()


@with_examples
@given(TEXTS)
def test_no_text_breaks_the_row_of_a_table_or_a_code_span(text):
    for cell in (escape_markdown(text), code(text)):
        page = MARKDOWN.render(f"| a | b |\n|---|---|\n| {cell} | x |\n")
        assert page.count("<td>") == 2 and page.count("<tr>") == 2
        inside = page.partition("<tbody>")[2]
        assert set(re.findall(r"<(\w+)", inside)) <= {"tr", "td", "code"}
    assert parse(code(text))[0].count("code_inline") == 1


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (":tada:", ":|tada:"),
        (":+1: at 10:30", ":|+1: at 10:30"),
        ("metric: value: 5", "metric: value: 5"),
        ("c0ffee1", "c0ffee|1"),
        ("c0ffee", "c0ffee"),
        ("01234567" * 5, "012345|670123|456701|234567|012345|670123|4567"),
        ("some/where@c0ffee1", "some/where@|c0ffee|1"),
        # A hash of SHA-256, a fraction, and figures in groups.
        (f"{'0' * 64} 0.12345678 12,345,678", f"{'0' * 64} 0.12345678 12,345,678"),
        ("see #7, @a", "see #|7, @|a"),
    ],
)
def test_only_what_github_would_change_is_parted(text, escaped):
    """Where it is parted, a word joiner stands, which is not seen."""
    assert escape_markdown(text) == escaped.replace("|", WORD_JOINER)
