"""Numbers and Markdown as the report writes them."""

import pytest

from preference.rendering.markdown_text import escape_markdown
from preference.rendering.numbers import join, number, signed


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


def test_figures_read_as_a_person_writes_them():
    assert number(-0.00001) == "0.0000"
    assert number(-1234.5, 1) == "−1,234.5"
    assert signed(0.00651) == "+0.0065"
    assert signed(-0.00651) == "−0.0065"
    assert [join(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
