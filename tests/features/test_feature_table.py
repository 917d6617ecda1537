"""Each dense feature on an example that was worked out by hand."""

from math import log, log1p
from zlib import compress

import pytest
from repository import REPOSITORY

from preference.features.feature_table import FEATURES
from preference.features.read_text import ReadText

PROMPT = ["Write a short poem: why does 1 + 1 = 2?\nUse python", "Explain {it} Ähnlich"]
ANSWER = [
    "Sure! I may not know, because you\n\n* ask **one**\n* ask **one**\n1. item [x](https://a.b)",
    '# Head\n| a |\n```\ncode = "y"\n``` `z` sorry: overall\nélan extraordinary? Feel free.',
]
OTHER = ["Sure! I may refuse to know", "ask one"]
TEXTS = {"answer": (ANSWER, PROMPT), "pair": (ANSWER, OTHER), "prompt": (PROMPT, PROMPT)}

# Counted by hand in the texts above, where a count c stands for log(1 + c).
WORDS, DISTINCT, CHARACTERS = 28, 25, 169
COUNTS = {
    # 87 characters in the first turn, a newline, and 81 in the second one
    ("length", "characters"): CHARACTERS,
    ("length", "words"): WORDS,
    # "Sure! ", "1. ", "extraordinary? ", and "free." at the end
    ("length", "sentences"): 4,
    ("length", "lines"): 10,
    # "Sure! I may not know, because you"
    ("length", "longest line"): 33,
    ("length", "last turn"): 81,
    ("vocabulary", "long words"): 1,
    ("format", "code fences"): 2,
    ("format", "inline code"): 1,
    ("format", "bullets"): 2,
    ("format", "numbered items"): 1,
    ("format", "bold"): 4,
    ("format", "headings"): 1,
    ("format", "table rows"): 1,
    ("format", "newlines"): 10,
    ("format", "blank lines"): 1,
    ("format", "links"): 1,
    ("characters", "digits"): 1,
    # S, I, H, F
    ("characters", "capitals"): 4,
    ("characters", "question marks"): 1,
    ("characters", "exclamation marks"): 1,
    ("characters", "commas"): 1,
    # "https:" and "sorry:"
    ("characters", "colons"): 2,
    ("characters", "brackets"): 2,
    ("characters", "quotes"): 2,
    ("characters", "mathematics"): 1,
    ("characters", "non-ASCII"): 1,
    ("tone", "refusals"): 1,
    ("tone", "hedges"): 1,
    ("tone", "negations"): 1,
    ("tone", "connectives"): 1,
    ("tone", "summaries"): 1,
    ("tone", "closings"): 1,
    ("tone", "I"): 1,
    ("tone", "you"): 1,
    # "sure", "i", "may"
    ("pair", "common start"): 3,
    ("prompt", "characters"): 71,
    ("prompt", "words"): 14,
    ("prompt", "turns"): 2,
    ("prompt", "question marks"): 1,
    ("prompt", "newlines"): 2,
    ("prompt", "digits"): 3,
    # W, U, E; Ä is not of ASCII
    ("prompt", "capitals"): 3,
    ("prompt", "non-ASCII"): 1,
    ("prompt", "code"): 2,
    ("prompt", "questions"): 1,
    # "write" and "poem"
    ("prompt", "writing"): 2,
    ("prompt", "listing"): 0,
    ("prompt", "coding"): 1,
    ("prompt", "explaining"): 1,
    ("prompt", "brevity"): 1,
    ("prompt", "roles"): 0,
}
VALUES = {
    ("length", "line length"): log1p(CHARACTERS / 10),
    ("length", "blank"): 0,
    ("vocabulary", "distinct words"): DISTINCT / WORDS,
    ("vocabulary", "word length"): 98 / WORDS,
    # "* ask **one**" stands there twice.
    ("vocabulary", "distinct lines"): 9 / 10,
    # "ask one"
    ("vocabulary", "distinct word pairs"): 26 / 27,
    # é has two bytes.
    ("vocabulary", "compression"): len(compress("\n".join(ANSWER).encode(), 1)) / (CHARACTERS + 1),
    ("characters", "fraction of capitals"): 4 / CHARACTERS,
    ("characters", "fraction of non-ASCII"): 1 / CHARACTERS,
    ("tone", "eager start"): 1,
    ("tone", "sorry start"): 0,
    ("tone", "complete"): 1,
    ("tone", "asks at the end"): 0,
    # "a" and "1" of 13 distinct words
    ("overlap", "prompt used"): 2 / 13,
    ("overlap", "from prompt"): 2 / DISTINCT,
    # It asks for none.
    ("requests", "asked formats"): 0,
    # "sure", "i", "may", "know", "ask", "one" of 25 and 8 words
    ("pair", "common words"): 6 / (25 + 8 - 6),
    # "sure i", "i may", "ask one" of 26 and 7 pairs
    ("pair", "common word pairs"): 3 / (26 + 7 - 3),
    ("pair", "length ratio"): log((CHARACTERS + 1) / 35),
    ("pair", "identical"): 0,
}


def key_of(feature):
    return feature.group, feature.name


@pytest.mark.parametrize("feature", FEATURES, ids=key_of)
def test_a_feature_is_what_was_worked_out_by_hand(feature):
    expected = {**{key: log1p(count) for key, count in COUNTS.items()}, **VALUES}
    one, other = map(ReadText, TEXTS[feature.of])
    assert feature.measure(one, other) == pytest.approx(expected[key_of(feature)], abs=1e-12)


# Where the example above has 0, or could not tell the two sides apart.
OTHERS = {
    ("length", "blank"): ([" \n", ""], 1),
    ("tone", "sorry start"): (["I’m sorry, but no."], 1),
    ("tone", "asks at the end"): (["Which one? "], 1),
    ("tone", "complete"): (["It ends in the"], 0),
    ("tone", "eager start"): (["Surely not"], 0),
    ("pair", "identical"): (PROMPT, 1),
    ("prompt", "listing"): (["Suggest 5 names and ideas"], log1p(3)),
    ("prompt", "roles"): (["Act as a doctor"], log1p(1)),
}


@pytest.mark.parametrize("feature", [f for f in FEATURES if key_of(f) in OTHERS], ids=key_of)
def test_a_feature_that_the_example_lacks(feature):
    turns, expected = OTHERS[key_of(feature)]
    assert feature.measure(ReadText(turns), ReadText(PROMPT)) == pytest.approx(expected)


BULLETS, NUMBERS = "Here:\n* one\n* two", "1. one\n2) two"
TABLE, CODE, PLAIN = "| a | b |", "```\nx\n```", "One, two - and 3."


@pytest.mark.parametrize(
    ("prompt", "having"),
    [
        ("Use bullet points.", [BULLETS]),
        ("A bulleted list, please", [BULLETS]),
        ("Answer in bullets", [BULLETS]),
        ("Use a numbered list.", [NUMBERS]),
        ("as an enumerated list", [NUMBERS]),
        ("Make a markdown table", [TABLE]),
        ("Show it as a table", [TABLE]),
        ("in a code block", [CODE]),
        ("Use plain text.", [PLAIN]),
        ("Use no markdown", [PLAIN]),
        ("Write it without bullet points", [NUMBERS, TABLE, CODE, PLAIN]),
        ("Do not make a table", [BULLETS, NUMBERS, CODE, PLAIN]),
        ("Don’t answer in a numbered list", [BULLETS, TABLE, CODE, PLAIN]),
        ("Never use any bullet points", [NUMBERS, TABLE, CODE, PLAIN]),
        ("I do not know. Use bullet points", [BULLETS]),
        ("Use no more than 5 bullet points", [BULLETS]),
        ("Don't forget to use bullet points", [BULLETS]),
        ("Why does it not work? Explain in bullet points", [BULLETS]),
        ("Avoid long sentences and use bullets", [BULLETS]),
        ("Give me a markdown table", [TABLE]),
        ("What lies on the table, a bullet or a number?", None),
        ("CREATE TABLE users (id int)", None),
        ("Balls are numbered 1 to 10", None),
        ("Explain this code snippet", None),
        ("Convert HTML to plain text", None),
    ],
)
def test_an_answer_has_the_format_that_its_prompt_asks_for(prompt, having):
    (feature,) = (one for one in FEATURES if one.name == "asked formats")
    for answer in (BULLETS, NUMBERS, TABLE, CODE, PLAIN):
        expected = 0 if having is None else 1 if answer in having else -1
        assert feature.measure(ReadText([answer]), ReadText([prompt])) == expected, answer


def test_features_of_an_empty_battle_are_finite_and_short_texts_are_not_incompressible():
    empty = ReadText([""])
    values = {key_of(feature): feature.measure(empty, empty) for feature in FEATURES}
    assert values.pop(("length", "blank")) == values.pop(("pair", "identical")) == 1
    assert values.pop(("prompt", "turns")) == pytest.approx(log1p(1))
    assert values.pop(("vocabulary", "compression")) < 1
    assert set(values.values()) == {0}


def test_features_of_the_pair_do_not_depend_on_the_order():
    one, other = ReadText(ANSWER), ReadText(OTHER)
    for feature in FEATURES:
        if feature.of == "pair":
            assert feature.measure(one, other) == feature.measure(other, one), feature.name


def test_the_documented_table_is_that_of_the_code():
    lines = (REPOSITORY / "docs/features.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith(("| answer", "| pair", "| prompt"))]
    assert rows == [f"| {f.of} | {f.group} | {f.name} | {f.meaning} |" for f in FEATURES]
