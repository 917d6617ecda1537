"""Fold texts that look the same to a reader into the same text.

Guarantees
1. Texts are folded to the same text if they differ only in invisible characters, in case, in white
   space between words, in compatibility forms (a ligature, a full-width letter), or in the order
   and composition of accents.
2. Folding a folded text changes nothing.

Invisible characters are Unicode's default-ignorable, control and format characters: joiners,
directions, variation selectors, soft hyphens, fillers, tags, NUL. They are removed even where they
change the rendering, as U+FE0F and joiners do in emoji, Arabic and Indic texts: to treat two
different texts as the same costs the split nothing, but to separate two equal texts is a leak.

Letters of different scripts that look alike, such as Latin and Cyrillic a, stay different.

The Unicode Standard: 3.13, definition D146 (compatibility caseless matching), and 5.21 (default
ignorable code points).
"""

import unicodedata

import regex

# Printable ASCII is excluded first for speed.
INVISIBLE = regex.compile(
    r"[[^\n -~]&&[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]--[\s\x1C-\x1F]]", regex.VERSION1
)
# A blank character that Unicode classifies as a symbol.
BLANK_BRAILLE = "\u2800"

ASCII = [chr(code) for code in range(128)]
FOLDED_ASCII = "".join(" " if one.isspace() else one.lower() for one in ASCII).encode() + bytes(128)
INVISIBLE_ASCII = "".join(filter(INVISIBLE.match, ASCII)).encode()


def fold_text(text: str) -> bytes:
    """Return the folded text in UTF-8, with one space between words and none at the ends."""
    if text.isascii():
        return join_words(text.encode().translate(FOLDED_ASCII, INVISIBLE_ASCII))
    # Normalized before folding too, so that an iota subscript comes after the other accents.
    shown = unicodedata.normalize("NFKD", INVISIBLE.sub("", text))
    folded = unicodedata.normalize("NFKD", shown.casefold())
    return " ".join(folded.replace(BLANK_BRAILLE, " ").split()).encode()


def join_words(text: bytes) -> bytes:
    """Return the text with one space for each run of spaces. This is faster than splitting it."""
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.strip(b" ")
