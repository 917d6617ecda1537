"""A `tokenizer.json` on which the library panics, fails or aborts is refused with one message."""

import base64
import json

import pytest

from preference.runtime.errors import BadInput
from preference.tokenizers.hugging_face import HuggingFaceTokenizer, _refusing_failures

VOCABULARY = {"[CLS]": 0, "[SEP]": 1, "[PAD]": 2, "[UNK]": 3, "a": 4, "b": 5}
WORD_PIECE = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": VOCABULARY} | {
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
}
UNIGRAM = {"type": "Unigram", "unk_id": 3, "vocab": [[token, -1.0] for token in VOCABULARY]}
BPE = {
    "type": "BPE",
    "vocab": {**VOCABULARY, "\u00e9": 6, "a\u00e9": 7},
    "merges": [["a", "\u00e9"]],
}
ADDED = {"id": 0, "content": "q", "special": True}
SECRET = "what a user wrote \u00e9"


def definition(model, **steps):
    return {"version": "1.0", "added_tokens": [], "normalizer": None, "model": model, **steps}


def precompiled(content):
    text = base64.b64encode(content).decode()
    return definition(UNIGRAM, normalizer={"type": "Precompiled", "precompiled_charsmap": text})


def without_added_tokens(content):
    return {name: value for name, value in content.items() if name != "added_tokens"}


def encode(content):
    return HuggingFaceTokenizer(json.dumps(content))([SECRET])


@pytest.mark.parametrize("model", [WORD_PIECE, UNIGRAM, BPE], ids=lambda model: model["type"])
def test_a_sound_one_is_used(model):
    (ids,) = encode(definition(model, pre_tokenizer={"type": "Whitespace"}))
    assert VOCABULARY["a"] in ids


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        # With another prefix than a character, the library aborts the whole process.
        (definition({**BPE, "continuing_subword_prefix": "#"}), "continuing_subword_prefix"),
        (definition({**WORD_PIECE, "unk_token": "zz"}), "unk_token is not in the vocabulary"),
        (definition({**WORD_PIECE, "unk_token": None}), "unk_token is not in the vocabulary"),
        (definition({**UNIGRAM, "unk_id": None}), "unk_id is not in the vocabulary"),
        (definition({**UNIGRAM, "unk_id": 99}), "unk_id is not in the vocabulary"),
        (without_added_tokens(definition(UNIGRAM)), "no list of added_tokens"),
        (definition(UNIGRAM, added_tokens=[{"id": 0, "content": "q"}]), "no id, content or"),
        (definition(UNIGRAM, added_tokens=[{**ADDED, "id": "0"}]), "no id, content or special"),
        (definition(UNIGRAM, added_tokens=[{**ADDED, "id": -1}]), "no id, content or special"),
        (precompiled(b""), "the library tokenizers fails"),
        (precompiled(b"\x10\0\0\0" + b"\xff" * 64), "the library tokenizers fails"),
        # These are read, and fail when a text is encoded.
        (precompiled(b"\x05\0\0\0" + b"x" * 64), "the library tokenizers fails"),
        (precompiled(b"\0" * 64), "the library tokenizers fails"),
    ],
    ids=str,
)
def test_a_damaged_one_is_refused(content, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        encode(content)
    assert SECRET not in str(caught.value)


def test_too_little_memory_is_no_damage():
    with pytest.raises(MemoryError), _refusing_failures():
        raise MemoryError
