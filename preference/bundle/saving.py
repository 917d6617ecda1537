"""Write a bundle from the outputs of a training run: copied files, a card and a manifest.

Keras is not needed, because the model's files are copied.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from preference.bundle.manifest import CARD, TOKENIZER, hash_folder, write_manifest
from preference.bundle.manifest_schema import Manifest
from preference.bundle.model_card import render_card
from preference.models.model_files import ARCHITECTURE, NORMALIZATION, WEIGHTS
from preference.tokenizers.tokenizer_files import copy_tokenizer


def write_bundle(model: Path, tokens: Path, manifest: Manifest, folder: Path) -> None:
    """Write the model, its tokenizer, its card and, last, `bundle.json`.

    Args:
        model: the folder of a saved model.
        tokens: the folder of the model's tokens, which also holds its tokenizer.
        manifest: the manifest; its `files` are replaced.
        folder: the bundle's folder, new or empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    needed = (ARCHITECTURE, WEIGHTS, *((NORMALIZATION,) if manifest.has_features else ()))
    for name in needed:
        shutil.copyfile(model / name, folder / name)
    copy_tokenizer(tokens, folder / TOKENIZER)
    (folder / CARD).write_text(render_card(manifest), encoding="utf-8")
    write_manifest(replace(manifest, files=hash_folder(folder)), folder)
