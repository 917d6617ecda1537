"""Write a trained model so that its folder is all that is needed to use it."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from preference.atomic_output import writing_folder
from preference.manifest import CARD, TOKENIZER, hash_file, write_manifest
from preference.manifest_schema import Manifest
from preference.model_card import render_card
from preference.params import Params
from preference.saved_model import ARCHITECTURE, WEIGHTS, save_model
from preference.saved_tokenizer import copy_tokenizer

LIBRARIES = ("tensorflow", "keras", "keras-nlp", "sentencepiece", "numpy")


def save_bundle(model: keras.Model, tokens: Path, manifest: Manifest, folder: Path) -> None:
    """Write the model, its tokenizer, its card and, last, `bundle.json`.

    Args:
        model: trained; its optimizer is not saved.
        tokens: the folder of the tokens that it reads, beside which its tokenizer stands.
        manifest: all but `files`.
        folder: what it had before is removed.
    """
    with writing_folder(folder) as partial:
        save_model(model, partial)
        copy_tokenizer(tokens, partial / TOKENIZER)
        (partial / CARD).write_text(render_card(manifest), encoding="utf-8")
        tokenizer = sorted(path for path in (partial / TOKENIZER).rglob("*") if path.is_file())
        files = [partial / name for name in (CARD, ARCHITECTURE, WEIGHTS)] + tokenizer
        hashes = {path.relative_to(partial).as_posix(): hash_file(path) for path in files}
        write_manifest(replace(manifest, files=hashes), partial)


def hash_files(paths: Sequence[Path]) -> dict[str, str]:
    """Return the sha256 of files, by their relative paths."""
    return {path.as_posix(): hash_file(path) for path in paths}


def resolved_parameters(params: Params) -> dict[str, Mapping[str, Any]]:
    """Return the sections that an experiment may change; a preset's folder by its name alone."""
    sections = {name: asdict(getattr(params, name)) for name in ("text", "model", "train")}
    # It changes no result, and what a training writes must not depend on it.
    del sections["train"]["checkpoint_minutes"]
    preset = Path(sections["model"]["preset"])
    if preset.is_absolute():
        # Where it lies is nobody's business, and differs between machines.
        sections["model"]["preset"] = preset.name
    return sections


def library_versions(backend: str) -> dict[str, str]:
    """Return the versions of Python, and of what training on a backend and predicting depend on."""
    names = dict.fromkeys([*LIBRARIES, backend])
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}
