"""Markdown as another implementation reads it, and texts that try to be markup."""

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt

# Tables, strikethrough and HTML, as on GitHub.
MARKDOWN = MarkdownIt("js-default", {"html": True})
HOSTILE = [
    "\r# title",
    *(f"a{line_break}# title" for line_break in "\r\n\x0b\x0c\x1c\x85\u2028\u2029"),
    "![picture][x] [x] [x][y] [1][2] [0](x) ![0](x)",
    "[x]: https://example.com/i.png",
    "[0]: <javascript:x>",
    "https://example.com www.example.com someone@example.com <https://example.com>",
    "&lt;img src=x&gt; &#60;b&#62; <img src=x> <!-- x --> <?x?> <![CDATA[x]]> </p>",
    "@someone @some/team #123 some/where#1 GH-7 Fixes #1",
    ":tada: :+1::100: a:white_check_mark:b 10:30:45 ::-1::",
    "c0ffee1 C0FFEE12 (1234567) some/where@c0ffee1 _c0ffee1_ https://a/c0ffee1",
    f"{'0123456789' * 4} someone@{'ab' * 20}. {'0' * 64} 0.12345678 12.345678a",
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
    "\u00a0",
    "\u00a0 x \u00a0",
    "\ud83d",
]
# What GitHub links to beyond that: GFM's extended autolinks, and names of people and issues.
LINKS = re.compile(r"https?://|ftp://|www\.|@\w|#\d|\bGH-\d", re.IGNORECASE)
# What it shows as something else: emojis by their names, and commits by the digits of their hash.
EMOJI = re.compile(r":(tada|[+-]1|100|white_check_mark):")
COMMIT = re.compile(r"(?<!\d[.,])\b[0-9a-f]{7,40}\b", re.IGNORECASE)
MARKUP = st.sampled_from("[]()!<>&#@:/*_`~|\\$-+=.1 \n\r\tx;\u2028\u202e\u00a0")
TEXTS = st.text(MARKUP) | st.text() | st.lists(st.sampled_from(HOSTILE)).map("".join)


def parse(markdown):
    """The types of all tokens, and the text that they show."""
    tokens = []
    for token in MARKDOWN.parse(markdown):
        tokens += token.children if token.type == "inline" else [token]
    return [token.type for token in tokens], "".join(token.content for token in tokens)
