"""Foreign text in Markdown is text, as another implementation of Markdown reads it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from preference.markdown_text import WORD_JOINER, code, escape_markdown

# Tables, strikethrough and HTML, as on GitHub.
MARKDOWN = MarkdownIt("js-default", {"html": True})
# What GitHub links to beyond that: GFM's extended autolinks, and names of people and issues.
LINKS = re.compile(r"https?://|ftp://|www\.|@\w|#\d|\bGH-\d", re.IGNORECASE)
HOSTILE = [
    "\r# title",
    *(f"a{line_break}# title" for line_break in "\r\n\x0b\x0c\x1c\x85\u2028\u2029"),
    "![picture][x] [x] [x][y] [1][2] [0](x) ![0](x)",
    "[x]: https://example.com/i.png",
    "[0]: <javascript:x>",
    "https://example.com www.example.com someone@example.com <https://example.com>",
    "&lt;img src=x&gt; &#60;b&#62; <img src=x> <!-- x --> <?x?> <![CDATA[x]]> </p>",
    "@someone @some/team #123 some/where#1 GH-7 Fixes #1",
    "title\n===",
    "===",
    "---",
    "- - -",
    "+ x",
    "- x",
    "1. x",
    "12) x",
    "> x",
    "    code",
    "| a | b |\n|---|---|",
    "```mermaid\nx\n```",
    "~~~\nx",
    "$x$ ~~x~~ **x** __x__",
    "[ ] task [x] task [^1]",
    "abc \u202e cba \u2066 x \u200b\u200d\ufeff",
    "\x1b[2J\x1b]0;title\x07 \x9b2J",
    "back\\",
    "\ud83d",
]
PLACES = ["{}", "- {}", "> {}", "# {}: heading", "**Warning: {}**", "text {} text", "1. {}"]
MARKUP = st.sampled_from("[]()!<>&#@:/*_`~|\\$-+=.1 \n\r\tx;\u2028\u202e\u00a0")
TEXTS = st.text(MARKUP) | st.text() | st.lists(st.sampled_from(HOSTILE)).map("".join)


def parse(markdown):
    """The types of all tokens, and the text that they show."""
    tokens = []
    for token in MARKDOWN.parse(markdown):
        tokens += token.children if token.type == "inline" else [token]
    return [token.type for token in tokens], "".join(token.content for token in tokens)


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
    assert LINKS.search(shown) is None


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
