"""Battles in which a good token decides who wins, and a small model to learn it."""

import keras
import numpy as np
from small_model import train_params

from preference.battles.table import A_WINS, B_WINS, FIELDS
from preference.config.model_params import ModelParams
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.preference_model import build_model
from preference.sequences.packing import Packing
from preference.sequences.token_store import FieldTokens, SpecialTokens, Tokens

GOOD_TOKEN = 5
# 16 battles with two sides of 16 tokens.
TOKENS_PER_BATCH = 512
PACKING = Packing(seq_len=16, turns="all")
MODEL = ModelParams(
    preset="tiny",
    seq_len=16,
    dropout=None,
    pool="mean",
    head="concat",
    head_units=[],
    head_dropout=[],
)
TRAIN = train_params(tokens_per_batch=TOKENS_PER_BATCH)


def plant(battles, seed=0):
    """The answer that holds the good token wins; where neither does, it is a tie."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=battles)
    texts = {field: random.integers(10, 30, size=(battles, 5)) for field in FIELDS}
    texts["response_a"][labels == A_WINS, 2] = GOOD_TOKEN
    texts["response_b"][labels == B_WINS, 3] = GOOD_TOKEN
    offsets = np.arange(battles + 1)
    fields = {
        field: FieldTokens(offsets=5 * offsets, ids=ids.ravel().astype(np.int32))
        for field, ids in texts.items()
    }
    special = SpecialTokens(cls=1, sep=2, pad=0, vocabulary_size=30)
    return Tokens(offsets[:-1], offsets, fields, special), labels


def make_model(dropout=0.0):
    keras.utils.set_random_seed(7)
    backbone = DebertaV3Backbone(
        vocabulary_size=30,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        dropout=dropout,
        bucket_size=4,
        initializer_range=0.25,
    )
    return build_model(backbone, MODEL)
