"""Escape foreign text for Markdown, so that it is shown as plain text.

Guarantees
1. At any place in a block, the text becomes no heading, list, table, link, image, HTML, code,
   emphasis or formula, and does not break the row of a table.
2. GitHub makes no link, mention, reference to an issue or a commit, or emoji of the text.
3. The text is one line, and terminal control characters are replaced.

Only the standard library is imported: the job that comments on pull requests installs nothing.
"""

import re

from preference.runtime.terminal_text import one_line, printable

LONGEST_CODE = 80
NO_BREAK_SPACE = "\u00a0"
# It has no width, and separates characters that would otherwise be read as one word.
WORD_JOINER = "\u2060"
# Characters that Markdown reads as markup. "p < 0.001" and [0.91, 0.95] are not markup.
MARKUP = re.compile(
    r"[\\|*_`~$]|<(?=[a-z/!?])|&(?=[#a-z])|\[(?![\d+\u2212])|\](?=[(\[:])", re.IGNORECASE
)
MARKUP_AT_START = re.compile(r"^(?=[>#]|[-+=](?:[-+=\s]|$))|^\d{1,9}(?=[.)](?:\s|$))")
# A backslash would not help: GitHub searches the rendered text for these.
LINKED = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\S)|(?<=#)(?=\d)|(?<=\bgh-)(?=\d)"
    r"|(?<=:)(?=[+-]*\w[\w+-]*:)",  # :tada:
    re.IGNORECASE,
)
# A text that GitHub may link as the hash of a commit: 7 to 40 hexadecimal digits. Decimals of a
# number are left as they are.
HASH = re.compile(
    r"(?<![\da-f])(?:(?<=\d[.,])\d+(?![\da-f])|(?P<hash>[\da-f]{7,40})(?![\da-f]))", re.IGNORECASE
)
LONGEST_NO_HASH = 6


def escape_markdown(value: object) -> str:
    """Return the text as one line that Markdown shows as it is, also in a table."""
    # No-break spaces join numbers and their units, and `printable` would replace them.
    parts = [printable(part) for part in str(value).split(NO_BREAK_SPACE)]
    text = NO_BREAK_SPACE.join(parts).strip(NO_BREAK_SPACE)
    escaped = MARKUP.sub(r"\\\g<0>", break_links(text))
    return MARKUP_AT_START.sub(r"\g<0>\\", escaped)


def break_links(text: str) -> str:
    """Return the text with joiners that prevent links, mentions, references and emoji."""
    return LINKED.sub(WORD_JOINER, break_hashes(text))


def break_hashes(text: str) -> str:
    """Return the text with joiners that prevent links to commits."""
    return HASH.sub(_in_parts, text)


def _in_parts(found: re.Match) -> str:
    digits = found[0]
    if not found["hash"]:
        return digits
    starts = range(0, len(digits), LONGEST_NO_HASH)
    return WORD_JOINER.join(digits[start : start + LONGEST_NO_HASH] for start in starts)


def code(value: object) -> str:
    """Return the value as a code span of one line, cut to `LONGEST_CODE` characters.

    A code span has no markup and no mentions. A bar would end the cell of a table, and is shown as
    a broken bar.
    """
    words = one_line(value, LONGEST_CODE).replace("|", "¦") or '""'
    if "`" not in words:
        return f"`{words}`"
    fence = "`" * (1 + max(len(run) for run in re.findall("`+", words)))
    return f"{fence} {words} {fence}"
