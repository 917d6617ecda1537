"""Does an answer have the formats that its prompt asks for?

“Without any bullet points” and “do not use a table” ask for an answer that lacks the format: a word
such as “no” or “not” stands before the request, with nothing between them but words that requests
are made of. Simple English requests are known, and no others.
"""

import re
from dataclasses import dataclass

from preference.features.read_text import ReadText

BULLET, NUMBER, TABLE, HEADING = (
    r"[ \t]*[-*•] ",
    r"[ \t]*(?:\*\*|#+ )?\d+[.)] ",
    r"[ \t]*\|",
    "#+ ",
)
CODE = "```"
ANY = f"^(?:{BULLET}|{NUMBER}|{TABLE}|{HEADING})|{CODE}"
REFUSALS = r"(?:\b(?:no|not|never|without|avoid|instead of|rather than)|n['’]t)"
# What may stand between a refusal and the request that it refuses.
BETWEEN = (
    "any an? the your or it them in with as into use using make making create write writing "
    "answer reply respond format put add include bullets? bulleted points? numbered lists? tables? "
    "markdown code blocks?"
)
REFUSED = re.compile(rf"{REFUSALS}(?: (?:{BETWEEN.replace(' ', '|')}))* $")
REFUSING = re.compile(REFUSALS)
# In characters: how far before a request its refusal may begin.
CLOSE = 60


@dataclass(frozen=True)
class Format:
    """A format: how a prompt asks for it, and the marks that show it.

    Where `is_plain`, an answer has the format if it has none of the marks.
    """

    asked: re.Pattern[str]
    marks: re.Pattern[str]
    is_plain: bool = False

    def is_in(self, answer: str) -> bool:
        """Return whether an answer has the format."""
        return (self.marks.search(answer) is None) == self.is_plain


def _format(asked: str, marks: str, is_plain: bool = False) -> Format:
    return Format(re.compile(asked), re.compile(marks, re.MULTILINE), is_plain)


FORMATS = (
    _format(
        r"\bbullet(?:ed)?[ -]?(?:points|lists?)\b|\b(?:in|as|use|using|no|without|avoid) bullets\b",
        f"^{BULLET}",
    ),
    _format(r"\b(?:numbered|enumerated) (?:lists?|points|steps|items)\b", f"^{NUMBER}"),
    _format(
        r"\b(?:as|in|into|make|create|draw|use|using|give|show|write)(?: me| us)? an? "
        r"(?:[\w-]+ ){0,2}table\b"
        r"|\b(?:in|no|without|avoid) (?:tables|tabular form(?:at)?)\b",
        f"^{TABLE}",
    ),
    _format(r"\b(?:in|as|use|using|no|without|avoid) (?:a )?code blocks?\b", CODE),
    _format(r"\b(?:in|as|use|using|no|without|avoid) (?:markdown|formatting)\b", ANY),
    _format(r"\b(?:in|as|use|using) plain text\b", ANY, is_plain=True),
)


def asked_formats(answer: ReadText, prompt: ReadText) -> float:
    """Count the requests for a format that an answer follows, minus those that it does not."""
    score = 0
    for one in FORMATS:
        request = one.asked.search(prompt.lower)
        if request:
            is_followed = one.is_in(answer.text) != _is_refused(prompt.lower, request)
            score += 1 if is_followed else -1
    return score


def _is_refused(prompt: str, request: re.Match[str]) -> bool:
    """Return whether a prompt asks for an answer without the format."""
    before = prompt[max(request.start() - CLOSE, 0) : request.start()]
    return bool(REFUSING.match(request[0]) or REFUSED.search(before))
