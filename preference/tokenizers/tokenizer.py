"""The tokenizer of a preset, or a SentencePiece model trained for our own configurations."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import keras_nlp
import sentencepiece
from keras_nlp.tokenizers import Tokenizer

from preference.presets.resolve import loading_preset, read_hugging_face_config
from preference.runtime.errors import BadInput
from preference.tokenizers.hugging_face import load_hugging_face_tokenizer
from preference.tokenizers.keras_tokenizer import load_keras_tokenizer

# SentencePiece silently skips lines above `max_sentence_length`, which counts bytes.
LINE_CHARACTERS = 4096
BYTES_PER_CHARACTER = 4
# The number of threads changes the model, so it is the same on every machine.
TRAINING_THREADS = 2


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """Train a SentencePiece unigram model with the special tokens that DeBERTa v3 expects.

    Characters outside the vocabulary are spelled in bytes, so that no text becomes `[UNK]`.

    Args:
        texts: of the split train only, so that nothing leaks from the other splits.
        vocabulary_size: maximum number of pieces, including the special tokens and 256 bytes.

    Raises:
        BadInput: the vocabulary is too small for the characters of the texts.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(texts),
            model_writer=model,
            vocab_size=vocabulary_size,
            hard_vocab_limit=False,
            byte_fallback=True,
            max_sentence_length=BYTES_PER_CHARACTER * LINE_CHARACTERS,
            num_threads=TRAINING_THREADS,
            minloglevel=2,
            pad_id=0,
            bos_id=1,
            eos_id=2,
            unk_id=3,
            pad_piece="[PAD]",
            bos_piece="[CLS]",
            eos_piece="[SEP]",
            unk_piece="[UNK]",
            control_symbols=["[MASK]"],
        )
    except RuntimeError as error:
        raise BadInput(
            f"no tokenizer of {vocabulary_size} pieces can be trained on these texts: {error}. "
            "Raise tokenizer.vocabulary_size in params.yaml."
        ) from error
    return keras_nlp.models.DebertaV3Tokenizer(proto=model.getvalue())


def load_preset_tokenizer(preset: str) -> Tokenizer:
    """Load the tokenizer of a preset in the format of keras-nlp or Hugging Face.

    Raises:
        BadInput: the preset cannot be loaded.
    """
    with loading_preset(preset) as source:
        if read_hugging_face_config(source):
            return load_hugging_face_tokenizer(Path(source))
        return load_keras_tokenizer(source)


def fingerprint(tokenizer: Tokenizer) -> str:
    """Return 12 hex digits that differ for tokenizers that give different tokens."""
    config = {key: value for key, value in tokenizer.get_config().items() if key != "name"}
    digest = hashlib.sha256(type(tokenizer).__name__.encode())
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    with TemporaryDirectory() as folder:
        # The assets also hold scores, merges and normalization rules, which the vocabulary lacks.
        tokenizer.save_assets(folder)
        for file in sorted(Path(folder).rglob("*")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for line in text.splitlines():
            for start in range(0, len(line), LINE_CHARACTERS):
                yield line[start : start + LINE_CHARACTERS]
