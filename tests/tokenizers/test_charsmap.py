"""A table that replaces a character by a long text is refused wherever it may be."""

import base64
import io
import json

import keras_nlp
import pytest
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer, sentencepiece_model_pb2

from preference.runtime.errors import BadInput
from preference.tokenizers.charsmap import LONGEST_REPLACEMENT
from preference.tokenizers.hugging_face import HuggingFaceTokenizer, load_hugging_face_tokenizer
from preference.tokenizers.saved_tokenizer import load_vocabulary

PIECES = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "x")


@pytest.fixture
def write_proto(tmp_path):
    """Return a function that trains a model in which `q` becomes many `x`."""

    def write(length):
        rules, file = tmp_path / "rules.tsv", io.BytesIO()
        texts = " ".join([f"{ord('x'):x}"] * length)
        rules.write_text(f"{ord('q'):x}\t{texts}\n")
        SentencePieceTrainer.train(
            sentence_iterator=iter(["x xy yx", "yy x xyx"]),
            model_writer=file,
            vocab_size=30,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(rules),
            user_defined_symbols=["[MASK]"],
            **{f"{name}_id": number for number, name in enumerate(("pad", "bos", "eos", "unk"))},
            **dict(zip(("pad_piece", "bos_piece", "eos_piece", "unk_piece"), PIECES, strict=False)),
            minloglevel=2,
        )
        return file.getvalue()

    return write


def read_spm(proto, folder):
    (folder / "spm.model").write_bytes(proto)
    return load_hugging_face_tokenizer(folder)


def read_asset(proto, folder):
    (folder / "vocabulary.spm").write_bytes(proto)
    tokenizer = keras_nlp.models.DebertaV3Tokenizer(proto=None)
    load_vocabulary(tokenizer, folder)
    return tokenizer


def read_definition(proto, folder):
    model = sentencepiece_model_pb2.ModelProto.FromString(proto)
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
    definition = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": [[piece, -1.0] for piece in PIECES]},
    }
    return HuggingFaceTokenizer(json.dumps(definition))


@pytest.mark.parametrize("read", [read_spm, read_asset, read_definition])
def test_a_longer_replacement_than_any_of_unicode_is_refused(write_proto, tmp_path, read):
    (ids,) = read(write_proto(LONGEST_REPLACEMENT), tmp_path)(["q"])
    assert len(ids) > LONGEST_REPLACEMENT / 4
    proto = write_proto(LONGEST_REPLACEMENT + 1)
    # The library itself reads it.
    assert len(SentencePieceProcessor(model_proto=proto).encode("q")) > LONGEST_REPLACEMENT / 4
    with pytest.raises(BadInput, match="replaces a character by a text of 65 bytes"):
        read(proto, tmp_path)


def test_a_table_that_cannot_be_read_is_refused():
    step = {"type": "Precompiled", "precompiled_charsmap": "!"}
    with pytest.raises(BadInput, match="its table of replaced characters cannot be read"):
        HuggingFaceTokenizer(json.dumps({"normalizer": step}))
