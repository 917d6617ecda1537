"""Foreign text (names, paths, messages, content of files) without terminal control characters.

Only the standard library is imported: the job that comments on pull requests installs nothing.
"""

# In characters; a task is the label of a progress bar.
LONGEST_LINE = 2000
LONGEST_TASK = 60
REPLACEMENT = "\ufffd"
# The no-break space and the word joiner, which `str.isprintable` does not count as printable.
HARMLESS = "\u00a0\u2060"


def printable(text: object) -> str:
    """Return the text in one line, with U+FFFD for each character that is not printable.

    These are escape codes, bidirectional controls, characters without width, and surrogates.
    """
    line = " ".join(str(text).split())
    return "".join(character if character.isprintable() else REPLACEMENT for character in line)


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """Return the text as `printable` does, cut to `longest` characters."""
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def printable_lines(text: str) -> str:
    """Return the text with U+FFFD for each character that is not printable; line ends are kept."""
    return "".join(
        character if character.isprintable() or character in HARMLESS + "\n" else REPLACEMENT
        for character in text
    )
