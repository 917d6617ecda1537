"""Tokenizer and stored tokens, compared with sentencepiece called on one text at a time."""

import keras_nlp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sentencepiece

from preference.battles.table import BATTLE_SCHEMA, FIELDS
from preference.runtime.errors import BadInput
from preference.sequences.token_store import SpecialTokens, find_tokens, open_tokens
from preference.sequences.token_writer import FieldWriter, offsets_of, order_of_turns, save_index
from preference.tokenizers.tokenize import tokenize_battles
from preference.tokenizers.tokenizer import LINE_CHARACTERS, fingerprint, train_tokenizer
from stages import preprocess

VOCABULARY_SIZE = 420
UNKNOWN = 3
TEXTS = [
    "The soup simmers while the bread bakes.",
    "Die Suppe köchelt, während das Brot bäckt.",
    "La soupe mijote pendant que le pain cuit.",
    "Суп кипит, пока хлеб печётся.",
    "Ask again: how does the soup simmer?",
    "def bake(a, b):\n    return a + b",
    "Numbers 0 1 2 3 4 5 6 7 8 9 and words.",
    "",
] * 5
UNSEEN = [
    "汤在煮，面包在烤。",
    "สวัสดีชาวโลก",
    "مرحبا بالعالم",
    "👩‍👩‍👧 🇩🇪 🥖",
    "\ufffd \u200b ÿ ∑ ½",
    "tab\tand\nlines\r\n\n  spaces ",
    "𝒻𝒶𝓃𝒸𝓎 ﬁ",
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, VOCABULARY_SIZE)


@pytest.fixture(scope="module")
def direct(tokenizer):
    return sentencepiece.SentencePieceProcessor(model_proto=tokenizer.proto)


def battles_table(battles):
    """Build a table, in chunks, of battles {id: [(prompt, response_a, response_b), ...]}."""
    rows = [
        {
            "id": number,
            **{name: [turn[column] for turn in turns] for column, name in enumerate(FIELDS)},
            "label": 0,
            "source": "drawn",
        }
        for number, turns in battles.items()
    ]
    half = len(rows) // 2
    parts = [
        pa.Table.from_pylist(part, schema=BATTLE_SCHEMA) for part in (rows[:half], rows[half:])
    ]
    return pa.concat_tables(parts)


def encode(tokenizer, text):
    return np.asarray(tokenizer([text])[0]).tolist()


@pytest.mark.parametrize("text", [*UNSEEN, *TEXTS[:7]])
def test_nothing_is_unknown_and_nothing_is_lost(tokenizer, direct, text):
    ids = encode(tokenizer, text)
    assert ids == direct.encode(text)
    assert ids
    assert UNKNOWN not in ids
    normalized = sentencepiece.SentencePieceNormalizer(
        rule_name="nmt_nfkc", remove_extra_whitespaces=True
    ).normalize(text)
    normalized = normalized.replace("▁", " ")
    assert direct.decode(ids).strip() == normalized.strip()


def test_special_tokens_are_where_deberta_has_them(tokenizer):
    vocabulary = tokenizer.get_vocabulary()
    assert vocabulary[:5] == ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    assert (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id) == (0, 1, 2)
    assert tokenizer.mask_token_id == 4
    assert (tokenizer.start_token_id, tokenizer.end_token_id) == (1, 2)
    assert {f"<0x{byte:02X}>" for byte in range(256)} <= set(vocabulary)
    assert tokenizer.vocabulary_size() == len(vocabulary) <= VOCABULARY_SIZE


@pytest.mark.parametrize("text", ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"])
def test_a_user_cannot_write_a_special_token(tokenizer, direct, text):
    for written in (text, f"a {text} b", text * 3, f"soup{text}"):
        ids = encode(tokenizer, written)
        assert not set(ids) & {0, 1, 2, 3, 4}
        assert direct.decode(ids) == written


def test_the_tokenizer_is_trained_on_the_given_texts_only():
    """A planted word is a piece of the vocabulary if, and only if, it was among the texts."""
    planted = ["Quixotry is quixotry."] * 20
    with_word = train_tokenizer([*TEXTS, *planted], VOCABULARY_SIZE).get_vocabulary()
    without = train_tokenizer(TEXTS, VOCABULARY_SIZE).get_vocabulary()
    assert any("xotry" in piece for piece in with_word)
    assert not any("xotry" in piece for piece in without)


def test_long_lines_are_not_skipped():
    planted = "Quixotry is quixotry. " * LINE_CHARACTERS
    assert len(planted) > 4 * LINE_CHARACTERS
    vocabulary = train_tokenizer([*TEXTS, planted], VOCABULARY_SIZE).get_vocabulary()
    assert any("xotry" in piece for piece in vocabulary)


def test_the_stage_trains_the_tokenizer_on_train_only(fresh_preprocess, tmp_path, monkeypatch):
    """The other splits' words are left out, whichever column they stand in."""
    battles = {number: [(TEXTS[number], TEXTS[number + 1], TEXTS[0])] for number in range(6)}
    for number in range(6, 30):
        battles[number] = [("Quixotry is quixotry.", "A quixotry.", "Of quixotry.")]
    pq.write_table(battles_table(battles), tmp_path / "battles.parquet")
    monkeypatch.setattr(preprocess, "BATTLES", tmp_path / "battles.parquet")
    monkeypatch.setattr(preprocess, "TRAIN", tmp_path / "train.parquet")
    pieces = {}
    for name, ids in {"without": range(6), "with": range(30)}.items():
        split = pa.table({"id": list(ids), "group": list(ids)})
        pq.write_table(split, tmp_path / "train.parquet")
        fresh_preprocess.trained_tokenizer.cache_clear()
        trained = preprocess.tokenizer_of("deberta_v3_tiny", VOCABULARY_SIZE)
        pieces[name] = trained.get_vocabulary()
    assert any("xotry" in piece for piece in pieces["with"])
    assert not any("xotry" in piece for piece in pieces["without"])


def test_the_same_texts_give_the_same_bytes(tokenizer):
    again = train_tokenizer(iter(TEXTS), VOCABULARY_SIZE)
    assert again.proto == tokenizer.proto
    assert fingerprint(again) == fingerprint(tokenizer)


def test_fingerprints_of_different_tokenizers_differ(tokenizer):
    others = [
        train_tokenizer(TEXTS, 340),
        train_tokenizer([*TEXTS, *["Quixotry is quixotry."] * 20], VOCABULARY_SIZE),
        keras_nlp.models.BertTokenizer(vocabulary=tokenizer.get_vocabulary()),
    ]
    names = {fingerprint(one) for one in [tokenizer, *others]}
    assert len(names) == 4
    assert all(name.isalnum() for name in names)


def test_fingerprint_tells_settings_apart():
    """One vocabulary, two ways to split text: their tokens must not share a folder."""
    vocabulary = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "soup", "Soup"]
    cased, uncased = (
        keras_nlp.models.BertTokenizer(vocabulary=vocabulary, lowercase=lowercase)
        for lowercase in (False, True)
    )
    assert encode(cased, "Soup") != encode(uncased, "Soup")
    assert fingerprint(cased) != fingerprint(uncased)


def test_a_vocabulary_too_small_for_the_characters():
    alphabet = " ".join(chr(code) for code in range(0x4E00, 0x4E00 + 400))
    with pytest.raises(BadInput, match=r"of 300 pieces.*Raise tokenizer\.vocabulary_size"):
        train_tokenizer([alphabet] * 3, 300)


def test_no_text_at_all():
    with pytest.raises(BadInput):
        train_tokenizer(["", "\n"], VOCABULARY_SIZE)


# The ids are not in order, as in a user's file.
BATTLES = {
    21: [("One", "Two", "Three")] * 36,
    3: [("Which soup?", "This one.", "")],
    7: [("Again?", "", "Yes."), ("Sure?", "Да.", "汤 👩‍👧"), ("", "", "")],
    8: [("", "", "")],
    20: [(TEXTS[5], "\n\n", UNSEEN[1]), ("[SEP]", "[PAD]", "[CLS]")],
    22: [("", "", "")] * 3,
    90: [("Last?", "Bread " * 300, "a")],
    -5: [("Negative?", "It may be.", "No.")],
}


@pytest.mark.parametrize("batch_size", [1, 2, 2048])
def test_stored_tokens_are_those_of_each_text(tmp_path, tokenizer, direct, batch_size):
    batches = battles_table(BATTLES).to_batches(max_chunksize=batch_size)
    tokenize_battles(batches, tokenizer, tmp_path / "tokens")
    opened = open_tokens(tmp_path / "tokens")
    assert opened.battle_ids.tolist() == sorted(BATTLES)
    assert opened.special == SpecialTokens(
        cls=1, sep=2, pad=0, vocabulary_size=tokenizer.vocabulary_size()
    )
    for column, field in enumerate(FIELDS):
        stored = opened.fields[field]
        assert stored.ids.dtype == np.int32
        assert stored.offsets.dtype == np.int64
        for row, (_, turns) in enumerate(sorted(BATTLES.items())):
            first, last = opened.turn_offsets[row], opened.turn_offsets[row + 1]
            assert last - first == len(turns)
            for turn, text in zip(range(first, last), turns, strict=True):
                ids = stored.ids[stored.offsets[turn] : stored.offsets[turn + 1]]
                assert ids.tolist() == direct.encode(text[column])
        assert stored.offsets[-1] == len(stored.ids)


def test_a_tokenizer_of_another_kind(tmp_path):
    """WordPiece, on Unicode that its own splitting leaves as it is."""
    words = ["which", "soup", "this", "one", "yes"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    tokenizer = keras_nlp.models.BertTokenizer(vocabulary=vocabulary)
    table = battles_table({1: [("which soup", "this", "")], 2: [("yes", "", "one soup")]})
    tokenize_battles(table.to_batches(), tokenizer, tmp_path)
    opened = open_tokens(tmp_path)
    assert opened.special == SpecialTokens(cls=2, sep=3, pad=0, vocabulary_size=10)
    found = {name: opened.fields[name].ids.tolist() for name in FIELDS}
    assert found == {"prompt": [5, 6, 9], "response_a": [7], "response_b": [8, 6]}
    assert opened.fields["response_b"].offsets.tolist() == [0, 0, 2]


def test_written_by_hand(tmp_path):
    """Without a tokenizer: appended tokens are read back in the requested order."""
    random = np.random.default_rng(0)
    lengths = {name: random.integers(0, 4, size=9) for name in FIELDS}
    ids = {name: random.integers(0, 99, size=lengths[name].sum()) for name in FIELDS}
    order = random.permutation(9)
    for name in FIELDS:
        writer = FieldWriter(tmp_path, name)
        for turns in (slice(0, 4), slice(4, 4), slice(4, 9)):
            bounds = lengths[name][: turns.start].sum(), lengths[name][: turns.stop].sum()
            writer.append(ids[name][slice(*bounds)], lengths[name][turns])
        writer.save(order)
    special = SpecialTokens(cls=5, sep=6, pad=7, vocabulary_size=99)
    save_index(tmp_path, np.array([10, 30]), np.array([4, 5]), special)
    opened = open_tokens(tmp_path)
    assert opened.special == special
    assert opened.turn_offsets.tolist() == [0, 4, 9]
    for name in FIELDS:
        stored = opened.fields[name]
        assert isinstance(stored.ids, np.memmap)
        turns = np.split(ids[name], np.cumsum(lengths[name])[:-1])
        expected = np.concatenate([turns[number] for number in order]).tolist()
        assert stored.ids.tolist() == expected
        assert np.diff(stored.offsets).tolist() == lengths[name][order].tolist()
        assert np.load(tmp_path / f"{name}.token_ids.npy").tolist() == expected
        with pytest.raises(ValueError, match="read-only"):
            stored.ids[:1] = 0


def test_offsets_by_hand():
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets_of(np.array([], dtype=np.int64)).tolist() == [0]
    large = offsets_of(np.array([2**31 - 1, 2**31 - 1], dtype=np.int32))
    assert large.tolist() == [0, 2**31 - 1, 2**32 - 2]


def test_order_of_turns_by_hand():
    order = order_of_turns(np.array([2, 0, 3, 1]), np.array([2, 1, 3, 0]))
    assert order.tolist() == [3, 4, 5, 0, 1, 2]


def test_rows_of_finds_battles_in_any_order(tmp_path, tokenizer):
    tokenize_battles(battles_table(BATTLES).to_batches(), tokenizer, tmp_path)
    opened = open_tokens(tmp_path)
    wanted = np.array([90, 3, 21, 3])
    rows = opened.rows_of(wanted)
    assert [sorted(BATTLES)[row] for row in rows] == wanted.tolist()
    for unknown in (1, 9, 91):
        with pytest.raises(BadInput, match=f"battle {unknown} has no tokens"):
            opened.rows_of(np.array([3, unknown]))


def test_tokens_of_an_unknown_preset(tmp_path):
    (tmp_path / "index.json").write_text('{"deberta_v3_tiny": "abc"}')
    assert find_tokens(tmp_path, "deberta_v3_tiny") == tmp_path / "abc"
    with pytest.raises(BadInput, match="no tokens for preset 'other'"):
        find_tokens(tmp_path, "other")
