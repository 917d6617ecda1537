"""Tokenizers of folders in Hugging Face format, with the ids that transformers gives.

SentencePiece reads DeBERTa's `spm.model`, as in pretraining: the `tokenizer.json` that transformers
makes from it has no byte fallback for characters outside the vocabulary. For other models, the
library `tokenizers` reads `tokenizer.json`, or `vocab.txt` with BERT's rules, as in transformers;
keras-hub's own BERT tokenizer gives other ids for emoji, spaces outside ASCII and accents. All
other formats are read by keras-hub.

A special token written in a text, such as `[SEP]`, is tokenized as text.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import keras_nlp
import tokenizers
from tokenizers.implementations import BertWordPieceTokenizer

from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import (
    LARGEST_VOCABULARY,
    check_file,
    parse_json,
    read_json,
    refusing_damage,
)
from preference.tokenizers.charsmap import check_sentence_piece
from preference.tokenizers.tokenizer_definition import check_definition

DEFINITION = "tokenizer.json"
# tokenizers raises Exception itself, and keras-hub and SentencePiece errors of many kinds.
ANY = (Exception,)
# The ending of vocabularies that SentencePiece reads.
SENTENCE_PIECE = ".model"
# The `model_type` in config.json of models whose tokenizers keras-hub may read.
CONVERTED = ("albert", "bert", "roberta", "xlm-roberta")
# Every file that the tokenizer of one of these models is read from.
VOCABULARIES = (
    DEFINITION,
    "spm.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
)
# The first of each pair is in BERT and DeBERTa, the second in models derived from RoBERTa.
START_TOKENS, END_TOKENS, PAD_TOKENS = ("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[PAD]", "<pad>")


@keras.saving.register_keras_serializable(package="preference")
class HuggingFaceTokenizer(keras_nlp.tokenizers.Tokenizer):
    """The tokenizer of a `tokenizer.json`, without special tokens, truncation and padding.

    Args:
        definition: the text of the file; None to read the file by `load_assets`.
    """

    def __init__(
        self, definition: str | None = None, dtype: str = "int32", **kwargs: object
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        self.file_assets = [DEFINITION]
        if definition is not None:
            self.set_definition(definition)

    def set_definition(self, definition: str) -> None:
        """Use the tokenizer that the text of a `tokenizer.json` describes.

        Raises:
            BadInput: the text is refused by `check_definition`, or the vocabulary has no tokens for
                the start, the end or padding.
        """
        content = parse_json(definition, DEFINITION)
        check_definition(content)
        vocabulary = _build(definition).get_vocab()
        self.start_token_id = _first_of(START_TOKENS, vocabulary)
        self.end_token_id = _first_of(END_TOKENS, vocabulary)
        self.pad_token_id = _first_of(PAD_TOKENS, vocabulary)
        self._definition, self._size = definition, max(vocabulary.values()) + 1
        self._tokenizer = _build(_without_special_pieces(definition, content))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True

    def __call__(self, inputs: Iterable[str]) -> list[list[int]]:
        """Return what `call` does; Keras would put the texts of a user into the message."""
        return self.call(inputs)

    def call(self, inputs: Iterable[str]) -> list[list[int]]:
        """Return the token ids of each text.

        Raises:
            BadInput: the library fails, for the file is damaged where it was not checked.
        """
        with _refusing_failures():
            encoded = self._tokenizer.encode_batch_fast(list(inputs), add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def vocabulary_size(self) -> int:
        """Return the number of rows that the embedding table needs at least."""
        return self._size

    def save_assets(self, folder: str) -> None:
        """Write `tokenizer.json`."""
        Path(folder, DEFINITION).write_text(self._definition, encoding="utf-8")

    def load_assets(self, folder: str) -> None:
        """Read `tokenizer.json`."""
        self.set_definition(Path(folder, DEFINITION).read_text(encoding="utf-8"))


def load_hugging_face_tokenizer(folder: Path) -> keras_nlp.tokenizers.Tokenizer:
    """Load the tokenizer of a folder in Hugging Face format.

    Tokens that a model derived from DeBERTa added to `spm.model` are tokenized as text.

    Raises:
        BadInput: the tokenizer is refused, or has no tokens for the start, the end or padding.
    """
    for name in VOCABULARIES:
        if (folder / name).exists():
            check_file(folder / name, LARGEST_VOCABULARY)
            if Path(name).suffix == SENTENCE_PIECE:
                with refusing_damage(name, ANY):
                    check_sentence_piece((folder / name).read_bytes(), name)
    if (folder / "spm.model").exists():
        with refusing_damage("spm.model", ANY):
            return keras_nlp.models.DebertaV3Tokenizer(proto=(folder / "spm.model").read_bytes())
    if (folder / DEFINITION).exists():
        with refusing_damage(DEFINITION):
            definition = (folder / DEFINITION).read_text(encoding="utf-8")
        return HuggingFaceTokenizer(definition)
    if (folder / "vocab.txt").exists():
        return HuggingFaceTokenizer(_bert_definition(folder))
    model_type = read_json(folder / "config.json")["model_type"]
    if model_type not in CONVERTED:
        raise BadInput(f"there is no tokenizer for model_type {model_type!r}. Use another preset.")
    with refusing_damage("the tokenizer", ANY):
        return keras_nlp.models.Tokenizer.from_preset(str(folder))


def _bert_definition(folder: Path) -> str:
    file = folder / "tokenizer_config.json"
    config = read_json(file) if file.exists() else {}
    with refusing_damage("the tokenizer", ANY):
        return BertWordPieceTokenizer(
            str(folder / "vocab.txt"),
            lowercase=config.get("do_lower_case", True),
            strip_accents=config.get("strip_accents"),
            handle_chinese_chars=config.get("tokenize_chinese_chars", True),
        ).to_str()


def _build(definition: str) -> tokenizers.Tokenizer:
    with _refusing_failures():
        return tokenizers.Tokenizer.from_str(definition)


@contextmanager
def _refusing_failures() -> Iterator[None]:
    """Report what the library tokenizers raises, which may quote the texts of a user.

    Raises:
        BadInput: the block raised an error, or the library panicked.
    """
    try:
        yield
    except BaseException as error:
        # A panic of the library, which is written in Rust, is not an Exception. Where memory is
        # short, another model would not help.
        is_panic = type(error).__name__ == "PanicException"
        if isinstance(error, MemoryError) or not (is_panic or isinstance(error, Exception)):
            raise
        raise BadInput(
            f"{DEFINITION} cannot be used: the library tokenizers fails on it. Use another model."
        ) from error


def _first_of(candidates: tuple[str, ...], vocabulary: dict[str, int]) -> int:
    for token in candidates:
        if token in vocabulary:
            return vocabulary[token]
    raise BadInput(
        f"{DEFINITION} has none of the tokens {', '.join(candidates)}. Use a preset of BERT, "
        "RoBERTa or DeBERTa."
    )


def _without_special_pieces(definition: str, content: dict[str, Any]) -> str:
    """Keep a unigram model from finding its special tokens in texts, as SentencePiece does.

    Args:
        definition: the text of a `tokenizer.json`.
        content: the same, parsed; it is changed.
    """
    if content["model"]["type"] != "Unigram":
        return definition
    pieces = content["model"]["vocab"]
    added = content["added_tokens"]
    special = [token for token in added if token["special"] and token["id"] < len(pieces)]
    for token in special:
        # No text matches a piece with a space, because spaces are replaced first.
        pieces[token["id"]][0] = f" {token['content']}"
    content["added_tokens"] = [token for token in added if token not in special]
    return json.dumps(content)
