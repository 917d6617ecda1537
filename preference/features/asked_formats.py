"""Does an answer have the formats that its prompt asks for?"""

import re
from dataclasses import dataclass

from preference.features.read_text import ReadText

BULLET, NUMBER, TABLE, HEADING = r"[ \t]*[-*•] ", r"[ \t]*\d+[.)] ", r"[ \t]*\|", "#+ "
CODE = "```"


@dataclass(frozen=True)
class Format:
    """A format: how a prompt asks for it, and the marks that an answer must have, or must not."""

    asked: re.Pattern[str]
    marks: re.Pattern[str]
    is_without: bool = False

    def is_in(self, answer: str) -> bool:
        """Return whether an answer has the format."""
        return (self.marks.search(answer) is None) == self.is_without


def _format(asked: str, marks: str, is_without: bool = False) -> Format:
    not_refused = rf"(?<!\bno )(?<!\bwithout )(?:{asked})"
    return Format(re.compile(not_refused), re.compile(marks, re.MULTILINE), is_without)


FORMATS = (
    _format(r"\bbullets\b|\bbullet(?:ed)?[ -](?:points?|lists?)\b", f"^{BULLET}"),
    _format(r"\bnumbered\b|\benumerate\b", f"^{NUMBER}"),
    _format(r"\b(?:as|in|into|make|create) (?:an? |the )?(?:markdown )?table\b", f"^{TABLE}"),
    _format(r"\bcode (?:block|snippet)s?\b", CODE),
    _format(
        r"\bplain text\b|\b(?:no|without) (?:bullets|bullet points|lists|markdown|formatting)\b",
        f"^(?:{BULLET}|{NUMBER}|{TABLE}|{HEADING})|{CODE}",
        is_without=True,
    ),
)


def asked_formats(answer: ReadText, prompt: ReadText) -> float:
    """Count the formats that a prompt asks for and an answer has, minus those that it lacks."""
    asked = [one for one in FORMATS if one.asked.search(prompt.lower)]
    return sum(1 if one.is_in(answer.text) else -1 for one in asked)
