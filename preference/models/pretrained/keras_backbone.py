"""Backbones of presets in keras-hub's format."""

from typing import Any

import keras
import keras_nlp

from preference.models.loaded_weights import load_described
from preference.presets.keras_files import advising_to_download, preset_file, read_object

BACKBONE, WEIGHTS = "config.json", "model.weights.h5"
PRECISIONS = ("float32", "float16", "bfloat16")


def load_keras_backbone(source: str) -> keras_nlp.models.Backbone:
    """Build the backbone of a preset, in the precision of the global policy.

    Raises:
        BadInput: its family is not supported, or its files do not belong together.
    """
    with advising_to_download():
        config = read_backbone_config(source)
        weights = preset_file(source, WEIGHTS)
        return load_described(config, BACKBONE, weights, keras_nlp.models.Backbone, PRECISIONS)


def read_backbone_config(source: str) -> dict[str, Any]:
    """Return the unchecked configuration of a preset's backbone, in the global precision policy.

    Raises:
        BadInput: the file cannot be read, or does not describe a Keras object.
    """
    config = read_object(preset_file(source, BACKBONE))
    config["config"] |= {"dtype": keras.config.dtype_policy().name, "name": "backbone"}
    return config
