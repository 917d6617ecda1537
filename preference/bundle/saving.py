"""Write a bundle from what a training run has left: copies of files, a card and a manifest.

It needs no Keras: the model's own files are copied, byte for byte.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from preference.bundle.manifest import CARD, TOKENIZER, write_manifest
from preference.bundle.manifest_schema import Manifest
from preference.bundle.model_card import render_card
from preference.models.model_files import ARCHITECTURE, WEIGHTS
from preference.runtime.provenance import hash_file
from preference.tokenizers.tokenizer_files import copy_tokenizer


def write_bundle(model: Path, tokens: Path, manifest: Manifest, folder: Path) -> None:
    """Write the model, its tokenizer, its card and, last, `bundle.json`.

    Args:
        model: the folder of a saved model.
        tokens: the folder of the tokens that it reads, which holds its tokenizer, too.
        manifest: all but `files`.
        folder: a new or an empty one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (ARCHITECTURE, WEIGHTS):
        shutil.copyfile(model / name, folder / name)
    copy_tokenizer(tokens, folder / TOKENIZER)
    (folder / CARD).write_text(render_card(manifest), encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): hash_file(path) for path in files}
    write_manifest(replace(manifest, files=hashes), folder)
