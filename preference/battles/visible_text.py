"""Texts as a reader sees them: without case, and without characters that are not shown.

Guarantees
1. Texts that differ only in invisible characters are folded to the same, wherever these stand. So
   are texts that differ in case, in white space between words, in compatibility forms (a ligature,
   a full-width letter) or in the order and composition of accents.
2. Folding a folded text changes nothing.

Invisible are Unicode's default-ignorable characters, and its control and format characters:
joiners, directions, variation selectors, soft hyphens, fillers, tags, NUL. They are left out even
where they change what is shown, as U+FE0F and joiners do in emoji, Arabic and Indic texts: to take
two texts for the same costs the split nothing, but to divide them leaks.

Letters of different scripts that look alike, as Latin and Cyrillic a, stay different.

The Unicode Standard: 3.13, definition D146 (compatibility caseless matching), and 5.21 (default
ignorable code points).
"""

import unicodedata

import regex

# Printable ASCII is excluded first, because that is fast, and most characters are.
INVISIBLE = regex.compile(
    r"[[^\n -~]&&[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]--[\s\x1C-\x1F]]", regex.VERSION1
)
# A blank that Unicode counts as a symbol.
BLANK_BRAILLE = "\u2800"

ASCII = [chr(code) for code in range(128)]
FOLDED_ASCII = "".join(" " if one.isspace() else one.lower() for one in ASCII).encode() + bytes(128)
INVISIBLE_ASCII = "".join(filter(INVISIBLE.match, ASCII)).encode()


def fold_text(text: str) -> bytes:
    """Return the folded text in UTF-8, with one space between words and none at the ends."""
    if text.isascii():
        return join_words(text.encode().translate(FOLDED_ASCII, INVISIBLE_ASCII))
    # Decomposed before it is folded, too: an iota below a letter must come after the other accents.
    shown = unicodedata.normalize("NFKD", INVISIBLE.sub("", text))
    folded = unicodedata.normalize("NFKD", shown.casefold())
    return " ".join(folded.replace(BLANK_BRAILLE, " ").split()).encode()


def join_words(text: bytes) -> bytes:
    """Return the text with its runs of spaces made one; it is faster than to split the text."""
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.strip(b" ")
