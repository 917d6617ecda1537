"""Read back from a simulated text what was drawn for it, without the code that wrote it."""

import re

REQUESTS = {
    "Use plain text.": "plain",
    "Use bullet points.": "bullets",
    "Use a numbered list.": "numbered",
}
OPERATORS = {"adds": "+", "subtracts": "-", "multiplies": "*", "divides": "/"}
# How a sentence sounds once it is rewritten, each form excluding the three others.
REWRITTEN = {
    "a question": "Would the {} need the {}?",
    "an exclamation": "How the {} needs the {}!",
    "the past tense": "The {} needed the {}.",
    "the future tense": "The {} will need the {}.",
}
QUESTIONS = {
    "arithmetic": r"One \w+ costs (\d), another (\d)\. What is the sum\?",
    "fact": r"(\w+) has the (\w+)\. (\w+) has the (\w+)\. Who has the (\w+)\?",
    "list": r"Name (\d) things like the \w+\.",
    "code": r"Write a function (\w+) that (\w+) two numbers\.",
    "rewriting": r"Rewrite this as ([a-z ]+): the (\w+) needs the (\w+)\.",
}
CORES = {
    "arithmetic": r"The sum is (-?\d+)\.",
    "fact": r"It is (\w+)\.",
    "list": r"Here you are: ([a-z, ]+)\.",
    "code": r"```python\ndef (\w+)\(a, b\):\n    return a (.) b\n```",
    "rewriting": r"(Would the [^.?!]*\?|How the [^.?!]*!|The \w+ (?:needed|will need) the \w+\.)",
}


def right_answer(skill, question, core):
    """Work the task out from its words, and say whether `core` solves it."""
    if skill == "arithmetic":
        return int(core[0]) == int(question[0]) + int(question[1])
    if skill == "fact":
        first, first_thing, second, second_thing, asked = question
        return core[0] == {first_thing: first, second_thing: second}[asked]
    if skill == "list":
        return len(set(core[0].split(", "))) == int(question[0])
    if skill == "code":
        return core[0] == question[0] and core[1] == OPERATORS[question[1]]
    return core[0] == REWRITTEN[question[0]].format(*question[1:])


def judge_core(question_turn, answer_turn):
    """Return whether the turn is solved (None where it has no task), and its text without it."""
    for skill, pattern in QUESTIONS.items():
        if question := re.search(pattern, question_turn):
            core = re.search(CORES[skill], answer_turn)
            rest = answer_turn[: core.start()] + answer_turn[core.end() :]
            return right_answer(skill, question.groups(), core.groups()), rest
    return None, answer_turn


def style_of(turn):
    if re.search(r"^\* ", turn, re.MULTILINE):
        return "bullets"
    return "numbered" if re.search(r"^1\. ", turn, re.MULTILINE) else "plain"


def judge(prompt, answer):
    """Read off an answer all that decides its worth."""
    facts = {
        "relevant": 0,
        "correct": 0,
        "followed": 0,
        "formatted": 0,
        "tone": 0,
        "refused": 0,
        "sentences": 0,
    }
    answer = [turn if turn is None else turn.removesuffix("\ud83d") for turn in answer]
    if answer[0] is None:
        return facts
    if answer[0].startswith("I am sorry"):
        return facts | {"refused": 1}
    opening = re.match(r"(Dunno\. |Certainly! |)About (\w+):", answer[0])
    topic = re.search(r"(?:Anna|Ben|Chloe|David|Elena|Frank) on (\w+), ", prompt[0])[1]
    style, wanted = style_of(answer[0]), re.search(r"Use [a-z ]+\.$", prompt[0])
    solved = []
    for question, turn in zip(prompt, answer, strict=True):
        correct, rest = judge_core(question, turn.removeprefix(opening[0]))
        solved.append(correct)
        facts["sentences"] += len(re.findall(r"[a-z]\.", rest))
    assert len(set(solved)) == 1
    return facts | {
        "relevant": int(opening[2] == topic),
        "correct": int(solved[0] is True),
        "followed": int(wanted is not None and REQUESTS[wanted[0]] == style),
        "formatted": int(style != "plain"),
        "tone": {"Dunno. ": -1, "": 0, "Certainly! ": 1}[opening[1]],
    }
