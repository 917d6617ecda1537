"""The architecture of a preset, with random weights: the weights are not downloaded."""

import json
from pathlib import Path

import keras
import keras_nlp
from huggingface_hub import hf_hub_download

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.pretrained.backbones import (
    SMALL_CONFIGURATIONS,
    adapt_backbone,
    load_backbone,
)
from preference.models.pretrained.hf_deberta import backbone_arguments
from preference.presets.hub import SCHEME
from preference.presets.resolve import read_hugging_face_config
from preference.runtime.errors import BadInput

# Of our own configurations: the tokenizer that decides it is not trained yet, and it costs nothing.
VOCABULARY_SIZE = 2000


def build_untrained(preset: str) -> keras_nlp.models.Backbone:
    """Build what `load_backbone` loads, from the preset's configuration alone.

    Raises:
        BadInput: the configuration cannot be read or downloaded.
    """
    if preset in SMALL_CONFIGURATIONS:
        return load_backbone(preset, VOCABULARY_SIZE)
    # What fails is as various as hubs and formats are, and the run itself would meet it too.
    try:
        config = _hugging_face_config(preset)
        if config.get("model_type") == "deberta-v2":
            return DebertaV3Backbone(**backbone_arguments(config), name="backbone")
        stock = keras_nlp.models.Backbone.from_preset(
            preset, load_weights=False, dtype=keras.config.dtype_policy().name, name="backbone"
        )
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"params.yaml, model.preset: the configuration of {preset!r} cannot be had: "
            f"{type(error).__name__}: {reason} Check the name and the network, or name the folder "
            "of a preset on this machine."
        ) from error
    return adapt_backbone(stock)


def _hugging_face_config(preset: str) -> dict:
    if not preset.startswith(SCHEME):
        return read_hugging_face_config(preset)
    file = hf_hub_download(preset.removeprefix(SCHEME), "config.json")
    return json.loads(Path(file).read_text(encoding="utf-8"))
