"""Backbones and tokenizers of presets in keras-hub's format: a folder, or a model of Kaggle.

Each has a JSON file that describes an object of Keras, as a bundle does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kagglehub
import keras
import keras_nlp

from preference.models.loaded_weights import load_described
from preference.presets.safe_loading import rebuild
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import read_json
from preference.tokenizers.saved_tokenizer import load_vocabulary
from preference.tokenizers.tokenizer_files import ASSETS, SETTINGS

BACKBONE, WEIGHTS = "config.json", "model.weights.h5"
OBJECT_KEYS = ("module", "class_name", "config", "registered_name")
KAGGLE = "kaggle://"
PRECISIONS = ("float32", "float16", "bfloat16")


def preset_file(source: str, name: str) -> Path:
    """Return the path of a preset's file; from Kaggle it is downloaded once.

    Args:
        source: a folder, a registered name, or `kaggle://owner/model/keras/variation`.
        name: of the file in the folder.

    Raises:
        BadInput: the source is none of these.
    """
    registered = keras_nlp.models.Backbone.presets.get(source, {})
    handle = registered.get("kaggle_handle", source)
    if handle.startswith(KAGGLE):
        return Path(kagglehub.model_download(handle.removeprefix(KAGGLE), name))
    if "://" in source:
        raise BadInput("only kaggle:// and hf:// can be downloaded")
    return Path(source, name)


def load_keras_backbone(source: str) -> keras_nlp.models.Backbone:
    """Build the backbone of a preset, in the global policy's precision.

    Raises:
        BadInput: it is of another family than our models', or its files do not fit each other.
    """
    with _advice():
        config = read_backbone_config(source)
        weights = preset_file(source, WEIGHTS)
        return load_described(config, BACKBONE, weights, keras_nlp.models.Backbone, PRECISIONS)


def read_backbone_config(source: str) -> dict[str, Any]:
    """Return what describes the backbone of a preset, unchecked, in the global policy's precision.

    Raises:
        BadInput: the file cannot be read, or describes no object of Keras.
    """
    config = _read_object(preset_file(source, BACKBONE))
    config["config"] |= {"dtype": keras.config.dtype_policy().name, "name": "backbone"}
    return config


def load_keras_tokenizer(source: str) -> keras_nlp.tokenizers.Tokenizer:
    """Build the tokenizer of a preset.

    Raises:
        BadInput: it is of another family than our models', or its files cannot be read.
    """
    with _advice():
        config = _read_object(preset_file(source, SETTINGS))
        try:
            tokenizer = rebuild(config, keras_nlp.tokenizers.Tokenizer)
        except BadInput as error:
            raise BadInput(f"{SETTINGS}: {error}") from error
        files = [preset_file(source, str(ASSETS / name)) for name in tokenizer.file_assets]
        load_vocabulary(tokenizer, Path(os.path.commonpath([file.parent for file in files])))
        return tokenizer


@contextmanager
def _advice() -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{error}. Download the preset again, or use another one.") from error


def _read_object(path: Path) -> dict[str, Any]:
    """Read what describes an object, without what older versions of keras-hub noted beside it."""
    config = read_json(path)
    if not isinstance(config.get("config"), dict):
        raise BadInput(f"{path.name} describes no object of Keras")
    return {key: config[key] for key in OBJECT_KEYS if key in config}
