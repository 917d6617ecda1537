"""Check a `tokenizer.json` of Hugging Face's format before its steps are built.

A step can hold a regular expression that never ends, or a replacement that makes texts much longer.
Supported tokenizers need neither.
"""

import base64
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from preference.runtime.errors import BadInput
from preference.tokenizers.charsmap import check_charsmap

MODELS = {"BPE", "Unigram", "WordPiece"}
NORMALIZERS = {
    "BertNormalizer",
    "Lowercase",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Precompiled",
    "Replace",
    "Sequence",
    "Strip",
    "StripAccents",
}
PRE_TOKENIZERS = {
    "BertPreTokenizer",
    "ByteLevel",
    "Digits",
    "Metaspace",
    "Punctuation",
    "Sequence",
    "Whitespace",
    "WhitespaceSplit",
}
# For each step its allowed types, and the key under which a `Sequence` lists its parts.
STEPS = {
    "normalizer": (NORMALIZERS, "normalizers"),
    "pre_tokenizer": (PRE_TOKENIZERS, "pretokenizers"),
}
MOST_STEPS, MOST_REPLACEMENTS = 20, 4
# Without groups, and with at most one repetition, a pattern is matched in linear time.
REPETITIONS, NOT_LINEAR, LONGEST_PATTERN = "+{", set("()*?"), 40
LONGEST_WORD = 1000
LONGEST_AFFIX = 100


def check_definition(definition: Mapping[str, Any]) -> None:
    """Check the steps of a tokenizer, and the model that looks up its tokens.

    Args:
        definition: the content of a `tokenizer.json`.

    Raises:
        BadInput: a step is of a type that supported models do not have, or the file is damaged.
            The message names the step.
    """
    for name, (kinds, children) in STEPS.items():
        steps = [*islice(_flatten(definition.get(name), children), MOST_STEPS + 1)]
        replacements = [step for step in steps if step.get("type") == "Replace"]
        if len(steps) > MOST_STEPS or len(replacements) > MOST_REPLACEMENTS:
            raise _refusal(f"its {name} has more steps than one of ours")
        for step in steps:
            if step.get("type") not in kinds:
                raise _refusal(f"its {name} {step.get('type')!r} is not one of {sorted(kinds)}")
        for step in replacements:
            _check_replacement(step)
        for step in steps:
            if step["type"] == "Precompiled":
                _check_precompiled(step)
    _check_model(definition.get("model"))
    _check_added_tokens(definition.get("added_tokens"))


def _flatten(step: object, children: str) -> Iterator[Mapping[str, Any]]:
    if step is None:
        return
    if not isinstance(step, dict) or not isinstance(step.get(children, []), list):
        raise _refusal("its steps cannot be read")
    yield step
    for part in step.get(children, []):
        yield from _flatten(part, children)


def _check_replacement(step: Mapping[str, Any]) -> None:
    """Check that a replacement makes no text much longer, and is matched in linear time."""
    pattern, content = step.get("pattern"), step.get("content")
    if not isinstance(pattern, dict) or not isinstance(content, str) or len(content) > 1:
        raise _refusal("it replaces texts by longer ones")
    for kind, text in pattern.items():
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_PATTERN:
            raise _refusal("it replaces texts that are not given")
        repeated = sum(text.count(each) for each in REPETITIONS)
        if kind == "Regex" and (repeated > 1 or set(text) & NOT_LINEAR):
            raise _refusal(f"its pattern {text!r} may take forever")


def _check_precompiled(step: Mapping[str, Any]) -> None:
    """Check the table of replacements that SentencePiece made."""
    try:
        charsmap = base64.b64decode(step["precompiled_charsmap"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise _refusal("its table of replaced characters cannot be read") from error
    check_charsmap(charsmap, "tokenizer.json")


def _check_model(model: object) -> None:
    if not isinstance(model, dict) or model.get("type") not in MODELS:
        raise _refusal(f"it has no model of the types {sorted(MODELS)}")
    if model.get("dropout"):
        raise _refusal("it gives other tokens each time (dropout)")
    longest = model.get("max_input_chars_per_word", 0)
    if not isinstance(longest, int) or not 0 <= longest <= LONGEST_WORD:
        raise _refusal(f"max_input_chars_per_word is {str(longest)[:60]}")
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        # The affix is copied for every part of a word that is looked up.
        affix = model.get(name) or ""
        if not isinstance(affix, str) or len(affix) > LONGEST_AFFIX:
            raise _refusal(f"{name} has more than {LONGEST_AFFIX} characters")
    if model["type"] == "BPE" and model.get("continuing_subword_prefix"):
        # The library cuts words by the bytes of this prefix, and aborts within a character.
        raise _refusal("a BPE model of ours has no continuing_subword_prefix")
    _check_unknown_token(model)


def _check_unknown_token(model: Mapping[str, Any]) -> None:
    """Check that there is a token for what is not in the vocabulary; BPE does without one."""
    vocabulary = model.get("vocab")
    if model["type"] == "WordPiece":
        token = model.get("unk_token")
        if (
            not isinstance(vocabulary, dict)
            or not isinstance(token, str)
            or token not in vocabulary
        ):
            raise _refusal("its unk_token is not in the vocabulary")
    if model["type"] == "Unigram":
        number = model.get("unk_id")
        if not isinstance(vocabulary, list) or number not in range(len(vocabulary)):
            raise _refusal("its unk_id is not in the vocabulary")


def _check_added_tokens(tokens: object) -> None:
    if not isinstance(tokens, list):
        raise _refusal("it has no list of added_tokens")
    for token in tokens:
        is_whole = (
            isinstance(token, dict)
            and isinstance(token.get("content"), str)
            and isinstance(token.get("special"), bool)
            and isinstance(token.get("id"), int)
            and token["id"] >= 0
        )
        if not is_whole:
            raise _refusal("one of its added_tokens has no id, content or special")


def _refusal(problem: str) -> BadInput:
    return BadInput(f"tokenizer.json: {problem}. Use another model.")
