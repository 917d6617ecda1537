"""Predict battles whose tokens are on disk with the model of a bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from preference.bundle import load_bundle
from preference.determinism import make_deterministic
from preference.prediction import predict_battles
from preference.predictions import Predictions
from preference.tokens import TOKENS, open_tokens


def predict_saved(folder: Path, splits: Sequence[np.ndarray], name: str) -> list[Predictions]:
    """Predict the battles of several splits, ids int64 [n] each, with the bundle in `folder`.

    Raises:
        BadInput: the bundle cannot be used, or a battle has no tokens.
    """
    make_deterministic()
    bundle = load_bundle(folder)
    packing = bundle.manifest.packing
    tokens = open_tokens(TOKENS / bundle.manifest.tokens)
    return [predict_battles(bundle.model, tokens, ids, packing, name) for ids in splits]
