"""Predict battles whose tokens are on disk with the model of a bundle."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from preference.bundle import load_bundle
from preference.determinism import make_deterministic
from preference.errors import BadInput
from preference.manifest import TOKENIZER, hash_file
from preference.manifest_schema import Manifest
from preference.prediction import predict_battles
from preference.predictions import Predictions
from preference.tokens import TOKENS, open_tokens


def predict_saved(folder: Path, splits: Sequence[np.ndarray], name: str) -> list[Predictions]:
    """Predict the battles of several splits, ids int64 [n] each, with the bundle in `folder`.

    Raises:
        BadInput: the bundle cannot be used, a battle has no tokens, or they are those of another
            tokenizer.
    """
    make_deterministic()
    bundle = load_bundle(folder)
    packing = bundle.manifest.packing
    tokens_folder = TOKENS / bundle.manifest.tokens
    _check_same_tokenizer(tokens_folder, bundle.manifest, name)
    tokens = open_tokens(tokens_folder)
    return [predict_battles(bundle.model, tokens, ids, packing, name) for ids in splits]


def _check_same_tokenizer(folder: Path, manifest: Manifest, name: str) -> None:
    """Check that the tokens in a folder are those of the bundle's tokenizer, which lies there too.

    Raises:
        BadInput: they are not.
    """
    for file, digest in manifest.files.items():
        own = PurePosixPath(file)
        if own.parts[0] != TOKENIZER:
            continue
        path = folder.joinpath(*own.parts[1:])
        if not path.is_file() or hash_file(path) != digest:
            raise BadInput(
                f"{name}: {path} is not the tokenizer that its model was trained with. "
                f"Run `dvc repro preprocess train_{name}`."
            )
