"""Tokenizers of folders in Hugging Face format give the same ids as transformers.

tests/fixtures/make_hugging_face_fixtures.py and make_deberta_v3_ids.py made the expected ids.
"""

import json
import os
import shutil
from pathlib import Path

import keras
import keras_nlp
import numpy as np
import pytest
import sentencepiece
from repository import REPOSITORY

from preference.runtime.errors import BadInput
from preference.tokenizers.hugging_face import HuggingFaceTokenizer
from preference.tokenizers.tokenizer import fingerprint, load_preset_tokenizer, train_tokenizer

FIXTURES = REPOSITORY / "tests" / "fixtures" / "hugging_face"
DEFINITION = (FIXTURES / "deberta/tokenizer.json").read_text(encoding="utf-8")
# The vocabulary of DeBERTa v3 is not in this repository; tests/fixtures/make_deberta_v3_ids.py
# says how to get it.
VOCABULARY = Path(os.environ.get("DEBERTA_V3_VOCABULARY", "no such file"))


def ids_of(tokenizer, texts):
    return [np.asarray(ids).tolist() for ids in tokenizer(texts)]


def expected_ids(name):
    return json.loads((FIXTURES / f"{name}_ids.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["deberta", "bert"])
def test_ids_are_those_of_transformers(name):
    expected = expected_ids(name)
    tokenizer = load_preset_tokenizer(str(FIXTURES / name))
    assert ids_of(tokenizer, expected["texts"]) == expected["ids"]
    # Equality means little if there are few different ids.
    assert len({token for ids in expected["ids"] for token in ids}) > 30


def test_accents_and_case_follow_the_config(tmp_path):
    copy = shutil.copytree(FIXTURES / "bert", tmp_path / "copy")
    texts = ["naïve", "naive", "NAIVE"]
    accented, plain, upper = ids_of(load_preset_tokenizer(str(copy)), texts)
    assert accented == plain == upper
    (copy / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    accented, plain, upper = ids_of(load_preset_tokenizer(str(copy)), texts)
    assert len({tuple(ids) for ids in (accented, plain, upper)}) == 3
    config = '{"do_lower_case": true, "strip_accents": false}'
    (copy / "tokenizer_config.json").write_text(config)
    accented, plain, upper = ids_of(load_preset_tokenizer(str(copy)), texts)
    assert accented != plain == upper


@pytest.mark.parametrize("name", ["deberta", "bert"])
def test_special_tokens_have_their_ids_and_are_never_read_in_a_text(name):
    tokenizer = load_preset_tokenizer(str(FIXTURES / name))
    special = [tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id]
    assert special == {"deberta": [1, 2, 0], "bert": [2, 3, 0]}[name]
    (ids,) = ids_of(tokenizer, ["[CLS] a [SEP] [PAD][MASK]"])
    assert not set(special) & set(ids)
    config = json.loads((FIXTURES / name / "config.json").read_text())
    assert tokenizer.vocabulary_size() <= config["vocab_size"]
    assert max(ids) < tokenizer.vocabulary_size()


def test_truncation_and_padding_of_the_file_are_ignored():
    definition = json.loads(DEFINITION)
    definition["truncation"] = {
        "max_length": 3,
        "strategy": "LongestFirst",
        "direction": "Right",
        "stride": 0,
    }
    definition["padding"] = {
        "strategy": {"Fixed": 50},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    texts = expected_ids("deberta")["texts"]
    expected = ids_of(HuggingFaceTokenizer(DEFINITION), texts)
    assert ids_of(HuggingFaceTokenizer(json.dumps(definition)), texts) == expected


def test_added_tokens_are_read():
    definition = json.loads(DEFINITION)
    added = {**definition["added_tokens"][0], "id": 500, "content": "<user>", "special": False}
    definition["added_tokens"].append(added)
    tokenizer = HuggingFaceTokenizer(json.dumps(definition))
    (ids,) = ids_of(tokenizer, ["a<user>b"])
    assert 1 <= ids.count(tokenizer.vocabulary_size() - 1) == 1


def test_a_saved_tokenizer_is_loaded_unchanged(tmp_path):
    tokenizer = load_preset_tokenizer(str(FIXTURES / "bert"))
    tokenizer.save_to_preset(str(tmp_path))
    saved = json.loads((tmp_path / "tokenizer.json").read_text())
    loaded = keras.saving.deserialize_keras_object(saved)
    loaded.load_preset_assets(str(tmp_path))
    texts = expected_ids("bert")["texts"]
    assert ids_of(loaded, texts) == ids_of(tokenizer, texts)
    assert loaded.pad_token_id == tokenizer.pad_token_id
    assert fingerprint(loaded) == fingerprint(tokenizer)
    assert fingerprint(load_preset_tokenizer(str(FIXTURES / "deberta"))) != fingerprint(tokenizer)


def test_a_file_without_special_tokens_is_refused(tmp_path):
    copy = shutil.copytree(FIXTURES / "deberta", tmp_path / "copy")
    (copy / "tokenizer.json").write_text(DEFINITION.replace("[SEP]", "[END]"), encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"copy' cannot be loaded: .*none of the tokens \[SEP\], </s>"
    ):
        load_preset_tokenizer(str(copy))


@pytest.fixture
def sentencepiece_folder(tmp_path):
    """DeBERTa as its authors publish it: spm.model, and no tokenizer.json."""
    copy = shutil.copytree(FIXTURES / "deberta", tmp_path / "copy")
    for file in copy.glob("tokenizer*"):
        file.unlink()
    texts = ["The soup simmers while the bread bakes.", "Who asks, and who answers?"] * 5
    (copy / "spm.model").write_bytes(train_tokenizer(texts, 320).proto)
    return copy


def test_spm_model_is_read_by_sentencepiece(sentencepiece_folder):
    tokenizer = load_preset_tokenizer(str(sentencepiece_folder))
    assert isinstance(tokenizer, keras_nlp.models.DebertaV3Tokenizer)
    file = str(sentencepiece_folder / "spm.model")
    reference = sentencepiece.SentencePieceProcessor(model_file=file)
    texts = expected_ids("deberta")["texts"]
    assert ids_of(tokenizer, texts) == [reference.encode(text) for text in texts]


def test_a_folder_without_a_tokenizer(sentencepiece_folder):
    (sentencepiece_folder / "spm.model").unlink()
    with pytest.raises(BadInput, match=r"copy' cannot be loaded"):
        load_preset_tokenizer(str(sentencepiece_folder))


@pytest.mark.skipif(
    not VOCABULARY.is_file(),
    reason="DEBERTA_V3_VOCABULARY does not name the spm.model of DeBERTa v3",
)
def test_ids_of_the_real_vocabulary_are_those_of_the_reference(sentencepiece_folder):
    shutil.copy(VOCABULARY, sentencepiece_folder / "spm.model")
    tokenizer = load_preset_tokenizer(str(sentencepiece_folder))
    expected = json.loads(FIXTURES.with_name("deberta_v3_ids.json").read_text(encoding="utf-8"))
    assert ids_of(tokenizer, expected["texts"]) == expected["ids"]
    special = [tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id]
    assert special == expected["special"]
    assert tokenizer.mask_token_id == expected["mask"] == 128000
