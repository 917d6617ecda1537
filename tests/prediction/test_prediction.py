"""Predictions against the model itself, one battle at a time."""

import numpy as np
from scipy.special import softmax
from small_model import VOCABULARY, make_model

from preference.prediction.predictor import predict_battles
from preference.sequences.packing import Packing, pack
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens

BATTLES = 60
PACKING = Packing(seq_len=80, turns="all")


def make_tokens():
    random = np.random.default_rng(4)

    def field():
        lengths = random.integers(1, 90, size=BATTLES)
        ids = random.integers(3, VOCABULARY, size=lengths.sum()).astype(np.int32)
        return FieldTokens(np.array([0, *np.cumsum(lengths)]), ids)

    return Tokens(
        battle_ids=np.arange(BATTLES) * 7,
        turn_offsets=np.arange(BATTLES + 1),
        fields={name: field() for name in ("prompt", "response_a", "response_b")},
        special=SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=VOCABULARY),
    )


def test_each_battle_gets_its_own_prediction_in_both_orders(monkeypatch):
    """Answers of several widths and batches, asked for in an order of their own."""
    monkeypatch.setattr("preference.models.side_encoder.TOKENS_PER_BATCH", 300)
    model, tokens = make_model("mlp"), make_tokens()
    rows = np.random.default_rng(2).permutation(BATTLES)[:41]
    ids = tokens.battle_ids[rows]
    predictions = predict_battles(model, tokens, ids, PACKING, "test")
    assert predictions.ids.tolist() == ids.tolist()
    for position, row in enumerate(rows):
        inputs = pack(tokens, np.array([row]), PACKING, PACKING.seq_len)
        expected = softmax(model(inputs), axis=1)[0]
        np.testing.assert_allclose(predictions.probabilities[position], expected, atol=1e-5)
        swapped = {name: values[:, ::-1].copy() for name, values in inputs.items()}
        b, a, tie = softmax(model(swapped), axis=1)[0]
        np.testing.assert_allclose(predictions.swapped[position], [a, b, tie], atol=1e-5)
