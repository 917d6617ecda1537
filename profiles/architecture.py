"""Build the architecture of a preset with random weights, without downloading its weights.

Configurations are checked as when a preset is loaded, except that they cannot be compared with the
weights. Instead, the model must fit into the free memory.
"""

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

import keras
import keras_nlp
import psutil
from httpx2 import HTTPError
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HFValidationError

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.pretrained.backbones import (
    SMALL_CONFIGURATIONS,
    adapt_backbone,
    load_backbone,
)
from preference.models.pretrained.hf_bert import check_options
from preference.models.pretrained.hf_conversion import CONVERTERS, converted_arguments
from preference.models.pretrained.hf_deberta import backbone_arguments
from preference.models.pretrained.keras_backbone import read_backbone_config
from preference.presets.hub import SCHEME
from preference.presets.keras_configuration import ENCODER_VARIABLES, check_arguments
from preference.presets.resolve import BACKBONE, read_hugging_face_config
from preference.presets.safe_loading import rebuild, without_values
from preference.runtime.errors import BadInput

# For our own configurations, whose tokenizer is not trained yet. The size hardly changes the cost.
VOCABULARY_SIZE = 2000
# The variables of the deepest encoder that a configuration may describe.
MOST_VARIABLES = 64 * ENCODER_VARIABLES
BYTES_A_WEIGHT = 4


def build_untrained(preset: str) -> keras_nlp.models.Backbone:
    """Build the backbone that `load_backbone` loads, from the preset's configuration only.

    Raises:
        BadInput: the configuration cannot be read or downloaded, has a class or an argument that is
            not allowed, or needs more memory than is free.
    """
    if preset in SMALL_CONFIGURATIONS:
        return load_backbone(preset, VOCABULARY_SIZE)
    try:
        with without_values():
            backbone = _build(_find_configuration(preset))
            _check_memory(backbone.weights)
        return adapt_backbone(backbone)
    except (BadInput, HTTPError, OSError, HFValidationError) as error:
        reason = " ".join(str(error).split()).removesuffix(".")
        kind = "" if isinstance(error, BadInput) else f"{type(error).__name__}: "
        raise BadInput(
            f"params.yaml, model.preset: the configuration of {preset!r} cannot be used: "
            f"{kind}{reason}. Check the name and the network, or name the folder of a preset on "
            "this machine."
        ) from error


def _find_configuration(preset: str) -> str:
    """Return the folder of a preset on this machine, or the name of a keras-hub preset."""
    if not preset.startswith(SCHEME):
        return preset
    return str(Path(hf_hub_download(preset.removeprefix(SCHEME), BACKBONE)).parent)


def _build(source: str) -> keras_nlp.models.Backbone:
    config = read_hugging_face_config(source)
    if not config:
        described = read_backbone_config(source)
        return rebuild(described, keras_nlp.models.Backbone, MOST_VARIABLES)
    kind, arguments = _describe(config)
    check_arguments(keras.saving.get_registered_name(kind), arguments)
    return kind(**arguments, dtype=keras.config.dtype_policy().name, name="backbone")


def _describe(config: dict[str, Any]) -> tuple[type[keras_nlp.models.Backbone], dict[str, Any]]:
    """Return the class and the arguments of the backbone for a Hugging Face configuration."""
    model_type = config["model_type"]
    if model_type == "deberta-v2":
        return DebertaV3Backbone, backbone_arguments(config)
    if model_type not in CONVERTERS:
        raise BadInput(f"there is no converter for model_type {model_type!r}.")
    if model_type == "bert":
        check_options(config)
    return CONVERTERS[model_type].backbone_cls, converted_arguments(config)


def _check_memory(weights: Iterable[keras.Variable]) -> None:
    needed = BYTES_A_WEIGHT * sum(prod(weight.shape) for weight in weights)
    free = psutil.virtual_memory().available
    if needed > free:
        raise BadInput(f"its weights take {needed:,} bytes, and {free:,} of memory are free.")
