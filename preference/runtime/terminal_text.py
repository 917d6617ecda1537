"""Foreign text in a line that cannot command a terminal: names, paths, messages, what files hold.

Only the standard library is used, because the job that comments on pull requests has nothing else.
"""

LONGEST_LINE = 2000
# What stands before a progress bar.
LONGEST_TASK = 60
REPLACEMENT = "\ufffd"
# Neither is printable to Python: a space that does not break, and a word joiner, which is not seen.
HARMLESS = "\u00a0\u2060"


def printable(text: object) -> str:
    """Return the text in one line, with U+FFFD for each character that is not printable.

    Those are escape codes, bidirectional controls, what has no width, and halves of characters.
    """
    line = " ".join(str(text).split())
    return "".join(character if character.isprintable() else REPLACEMENT for character in line)


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """Return the text as `printable` does, cut to `longest` characters."""
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def printable_lines(text: str) -> str:
    """Return the text with its lines and spaces, and U+FFFD for all else that is not printable."""
    return "".join(
        character if character.isprintable() or character in HARMLESS + "\n" else REPLACEMENT
        for character in text
    )
