"""Texts that look the same are the same, by Python's tables and by those of other libraries."""

import unicodedata
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from preference.battles.visible_text import fold_text
from preference.splitting.text_hashes import hash_texts

# But for surrogates, private ones, and those that are newer than Python's tables.
KNOWN = [
    chr(code)
    for code in range(0x110000)
    if unicodedata.category(chr(code)) not in ("Cs", "Co", "Cn")
]
IGNORABLE = regex.findall(
    r"\p{Default_Ignorable_Code_Point}",
    "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])),
)
CONTROL = [c for c in KNOWN if unicodedata.category(c) in ("Cc", "Cf") and not c.isspace()]
ODD = "\u0345\u0301\u0327\u1fb3\u0130ß\u1e9eς\ufb01\uff21\uac01가́\u1100¨\x1c\x85\u2028\u2800"
characters = st.sampled_from(["a", "I", " ", *ODD, *IGNORABLE[:200], *CONTROL])
texts = st.text(characters | st.characters(exclude_categories=["Cs"]), max_size=12)


def reference_fold(text):
    """Definition D146 of the Unicode Standard, character by character and from the definitions."""
    shown = "".join(c for c in text if c.isspace() or not (c in IGNORABLE or c in CONTROL))
    once = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", shown).casefold())
    twice = unicodedata.normalize("NFKD", once.casefold())
    return " ".join(twice.replace("\u2800", " ").split())


def test_every_character_that_is_not_shown_is_left_out():
    for character in {*IGNORABLE, *CONTROL}:
        assert fold_text(f"{character}a{character}b{character}") == b"ab", hex(ord(character))


def test_every_character_that_is_shown_is_kept():
    hidden = {*IGNORABLE, *CONTROL, "\u2800"}
    for character in KNOWN:
        if character not in hidden and not character.isspace():
            assert fold_text(f"a{character}b") != b"ab", hex(ord(character))


@given(texts)
@example("\u0345\u0301")
@example("a\u034f\u0301\u200d\u0327")
def test_folding_is_that_of_the_standard_and_changes_nothing_twice(text):
    folded = fold_text(text)
    assert folded == reference_fold(text).encode()
    assert fold_text(folded.decode()) == folded


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_folded_as_other_texts_are(text):
    assert fold_text(text) == fold_text(text + "\u200b") == reference_fold(text).encode()


def test_emoji_and_joined_letters_are_one_text_with_and_without_what_joins_them():
    for one, other in [
        ("\u2764\ufe0f", "\u2764"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("می\u200cخواهم", "میخواهم"),
        ("क्\u200dष", "क्ष"),
        ("ﬁancé", "FIANCE\u0301"),
    ]:
        assert fold_text(one) == fold_text(other)
    assert fold_text("👍🏽") != fold_text("👍")


def test_what_the_check_takes_for_equal_the_grouping_does_too():
    """So that a leak that it reports is one: every character, by itself and between letters."""
    for before, after in (("", ""), ("a", "b")):
        conversations = [[before + character + after] for character in KNOWN]
        folded_of = defaultdict(set)
        for number, (text,) in zip(hash_texts(pa.array(conversations)), conversations, strict=True):
            folded_of[number].add(fold_text(text))
        assert all(len(folded) == 1 for folded in folded_of.values())


@given(st.text(characters, max_size=8), st.text(characters, max_size=8))
def test_the_check_folds_no_more_than_the_grouping(one, other):
    left, right = hash_texts(pa.array([[one], [other]])).tolist()
    assert (left == right) <= (fold_text(one) == fold_text(other))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_the_check_finds_all_that_is_not_shown_and_every_form(form):
    text = "Café ﬁve\u3000한국어 straight"
    changed = [
        f"{mark}{unicodedata.normalize(form, text[:6])}{mark}{text[6:]}{mark}".upper()
        for mark in ("", *IGNORABLE, *CONTROL)
    ]
    hashes = hash_texts(pa.array([[one.replace("STRAIGHT", "straIght")] for one in changed]))
    assert len(np.unique(hashes)) == 1


def test_the_check_reads_whole_conversations_and_folds_white_space():
    conversations = [["a b", "c"], ["A\t\n b \x1c", "\u2028c "], ["a", "b c"], ["ab", "c"]]
    first, *same, other = hash_texts(pa.array(conversations)).tolist()
    assert same == [first, first]
    assert other != first
