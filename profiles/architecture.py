"""The architecture of a preset, with random weights: the weights are not downloaded.

What a configuration may ask for is checked as where a preset is loaded. Of weights, with which it
is compared there, nothing is known here: so what it asks for has to fit into the memory.
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

# Of our own configurations: the tokenizer that decides it is not trained yet, and it costs nothing.
VOCABULARY_SIZE = 2000
# Those of the deepest encoder that a configuration may name.
MOST_VARIABLES = 64 * ENCODER_VARIABLES
BYTES_A_WEIGHT = 4


def build_untrained(preset: str) -> keras_nlp.models.Backbone:
    """Build what `load_backbone` loads, from the preset's configuration alone.

    Raises:
        BadInput: the configuration cannot be read or downloaded, asks for what none of ours has,
            or for more memory than is free.
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
            f"params.yaml, model.preset: the configuration of {preset!r} cannot be had: "
            f"{kind}{reason}. Check the name and the network, or name the folder of a preset on "
            "this machine."
        ) from error


def _find_configuration(preset: str) -> str:
    """Return the folder of a preset on this machine, or a name of keras-hub."""
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
    """Return the backbone that a configuration of Hugging Face's is converted to."""
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
