from types import SimpleNamespace

import numpy as np
import pytest
from small_model import make_model

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.training.flops import summarize_flops

# 60 tokens in 3 battles.
BATTLES = SimpleNamespace(rows=range(3), side_lengths=np.array([[10, 5], [20, 5], [12, 8]]))


def count_by_hand(layers, hidden, intermediate, positions):
    """The parameters of DeBERTa v3 without the token embedding."""
    attention = 4 * (hidden * hidden + hidden)
    feedforward = 2 * hidden * intermediate + intermediate + hidden
    norms = 2 * 2 * hidden
    relative = positions * hidden + 2 * hidden
    return layers * (attention + feedforward + norms) + relative + 2 * hidden


def test_a_small_model_by_hand():
    model = make_model("concat")
    assert any(isinstance(layer, DebertaV3Backbone) for layer in model.layers)
    embedding, head = 40 * 8, 3 * (16 + 1)
    # Buckets of 4 give relative positions from -4 to 3.
    computing = count_by_hand(layers=1, hidden=8, intermediate=16, positions=8) + head
    found = summarize_flops(model, BATTLES, epochs=2)
    assert found["parameters"] == computing + embedding
    assert found["train_tflop"] == pytest.approx(6 * computing * 60 * 2 / 1e12)
    assert found["gflop_per_battle"] == pytest.approx(2 * computing * 20 / 1e9)
