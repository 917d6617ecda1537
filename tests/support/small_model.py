"""A preference model of one narrow layer, parameters to train it, and battles for it."""

import keras
import numpy as np

from preference.config.model_params import ModelParams, TrainParams
from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.preference_model import build_model

VOCABULARY, HIDDEN = 40, 8
HEADS = {
    "concat": {"head": "concat", "head_units": [], "head_dropout": []},
    "mlp": {"head": "mlp", "head_units": [6, 4], "head_dropout": [0.3, 0.1]},
    "equivariant": {"head": "equivariant", "head_units": [], "head_dropout": []},
    "davidson": {"head": "davidson", "head_units": [6], "head_dropout": [0.2]},
    "deep equivariant": {"head": "equivariant", "head_units": [6], "head_dropout": [0.2]},
}


def model_params(head="concat", pool="mean"):
    return ModelParams(preset="x", seq_len=16, dropout=None, pool=pool, **HEADS[head])


def train_params(**changes):
    values = {
        "seeds": [],
        "backend": "tensorflow",
        "distribution": "none",
        "optimizer": "adamw",
        "learning_rate": 0.01,
        "head_learning_rate_factor": 1.0,
        "clip_norm": None,
        "freeze": "none",
        "weight_decay": 0.01,
        "warmup_share": 0.1,
        "label_smoothing": 0.1,
        "tokens_per_batch": 512,
        "epochs": 8,
        "patience": 8,
        "precision": "float32",
        "jit": "auto",
    }
    return TrainParams(**values | changes)


def make_backbone(vocabulary_size=VOCABULARY, dropout=0.1):
    return DebertaV3Backbone(
        vocabulary_size=vocabulary_size,
        num_layers=1,
        num_heads=2,
        hidden_dim=HIDDEN,
        intermediate_dim=16,
        dropout=dropout,
        bucket_size=4,
        initializer_range=0.5,
        name="backbone",
    )


def make_model(head="concat", pool="mean", seed=3, backbone=None):
    keras.utils.set_random_seed(seed)
    return build_model(backbone or make_backbone(), model_params(head, pool))


def make_inputs(battles=5, length=12, seed=0):
    random = np.random.default_rng(seed)
    real = random.integers(3, length + 1, size=(battles, 2))
    padding_mask = (np.arange(length) < real[:, :, None]).astype("int32")
    token_ids = random.integers(1, VOCABULARY, size=(battles, 2, length)) * padding_mask
    return {"token_ids": token_ids.astype("int32"), "padding_mask": padding_mask}
