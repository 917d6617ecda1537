"""Foreign text in Markdown, shown as the text that it is.

Guarantees
1. Wherever in a block it is put, no text becomes a heading, list, table, link, image, HTML, code,
   emphasis or formula, or breaks the row of a table.
2. GitHub makes no link, mention, reference to an issue or a commit, or emoji of it.
3. It is one line, and what a terminal would obey is replaced.

Only the standard library is used, because the job that comments on pull requests has nothing else.
"""

import re

from preference.runtime.terminal_text import one_line, printable

LONGEST_CODE = 80
NO_BREAK_SPACE = "\u00a0"
# It takes no room, and parts what would be taken for one word.
WORD_JOINER = "\u2060"
# What Markdown takes for markup; "p < 0.001" and [0.91, 0.95] it does not.
MARKUP = re.compile(
    r"[\\|*_`~$]|<(?=[a-z/!?])|&(?=[#a-z])|\[(?![\d+\u2212])|\](?=[(\[:])", re.IGNORECASE
)
MARKUP_AT_START = re.compile(r"^(?=[>#]|[-+=](?:[-+=\s]|$))|^\d{1,9}(?=[.)](?:\s|$))")
# A backslash would not help: programs look for these in the text that Markdown stands for.
LINKED = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\S)|(?<=#)(?=\d)|(?<=\bgh-)(?=\d)"
    r"|(?<=:)(?=[+-]*\w[\w+-]*:)",  # :tada:
    re.IGNORECASE,
)
# What may be the hash of a commit, as of git from 7 to 40 digits. The digits behind a decimal point
# are none, and stay as they are.
HASH = re.compile(
    r"(?<![\da-f])(?:(?<=\d[.,])\d+(?![\da-f])|(?P<hash>[\da-f]{7,40})(?![\da-f]))", re.IGNORECASE
)
LONGEST_NO_HASH = 6


def escape_markdown(value: object) -> str:
    """Return the text so that Markdown, in a table too, shows it as it is, in one line."""
    # Figures and their units are joined by spaces that do not break.
    parts = [printable(part) for part in str(value).split(NO_BREAK_SPACE)]
    text = NO_BREAK_SPACE.join(parts).strip(NO_BREAK_SPACE)
    escaped = MARKUP.sub(r"\\\g<0>", break_links(text))
    return MARKUP_AT_START.sub(r"\g<0>\\", escaped)


def break_links(text: str) -> str:
    """Return the text so that nothing makes a link, mention, reference or emoji of its words."""
    return LINKED.sub(WORD_JOINER, break_hashes(text))


def break_hashes(text: str) -> str:
    """Return the text so that nothing takes a part of it for the hash of a commit."""
    return HASH.sub(_in_parts, text)


def _in_parts(found: re.Match) -> str:
    digits = found[0]
    if not found["hash"]:
        return digits
    starts = range(0, len(digits), LONGEST_NO_HASH)
    return WORD_JOINER.join(digits[start : start + LONGEST_NO_HASH] for start in starts)


def code(value: object) -> str:
    """Return the value as a code span of one line, cut to `LONGEST_CODE` characters.

    In a code span nothing is markup, and nobody is mentioned, but a bar ends the cell of a table:
    it is shown as a broken bar.
    """
    words = one_line(value, LONGEST_CODE).replace("|", "¦") or '""'
    if "`" not in words:
        return f"`{words}`"
    fence = "`" * (1 + max(len(run) for run in re.findall("`+", words)))
    return f"{fence} {words} {fence}"
