"""Backbones that keras-hub converts from Hugging Face's format.

keras-hub converts in one call, which builds any size that `config.json` names. Here its steps are
called one by one, and each result is checked.
"""

from collections.abc import Sequence
from pathlib import Path

import keras_nlp
from keras_hub.src.utils.transformers import (
    convert_albert,
    convert_bert,
    convert_distilbert,
    convert_roberta,
    convert_xlm_roberta,
)
from keras_hub.src.utils.transformers.safetensor_utils import SafetensorLoader

from preference.models.loaded_weights import check_finite
from preference.models.pretrained.hf_backbone import build_backbone
from preference.models.pretrained.safetensors_files import list_tensors
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import refusing_damage
from preference.runtime.weight_file import WeightArray

# By `model_type` in config.json.
CONVERTERS = {
    "albert": convert_albert,
    "bert": convert_bert,
    "distilbert": convert_distilbert,
    "roberta": convert_roberta,
    "xlm-roberta": convert_xlm_roberta,
}
# Attention matrices, which keras-hub divides among the heads without checking their shape.
PROJECTIONS = (".query", ".key", ".value", ".q_lin", ".k_lin", ".v_lin")


def convert_hugging_face(folder: Path, config: dict) -> keras_nlp.models.Backbone:
    """Build the backbone of a folder, with its weights.

    Args:
        folder: with weights as `preference.models.pretrained.safetensors_files` describes.
        config: the content of its `config.json`, whose `model_type` is in `CONVERTERS`.

    Raises:
        BadInput: the configuration is incomplete or out of range, or the weights do not match it.
    """
    converter = CONVERTERS[config["model_type"]]
    tensors = list_tensors(folder)
    arguments = converted_arguments(config)
    backbone = build_backbone(converter.backbone_cls, arguments, tensors)
    _check_attention(tensors, backbone.hidden_dim)
    with refusing_damage("the weights"), SafetensorLoader(str(folder)) as loader:
        converter.convert_weights(backbone, loader, config)
    check_finite(backbone.weights)
    return backbone


def converted_arguments(config: dict) -> dict[str, int | float]:
    """Return the unchecked arguments of the backbone that a configuration describes.

    Args:
        config: the content of a `config.json` whose `model_type` is in `CONVERTERS`.

    Raises:
        BadInput: one of them is missing.
    """
    try:
        return CONVERTERS[config["model_type"]].convert_backbone_config(config)
    except (KeyError, TypeError) as error:
        raise BadInput(f"config.json lacks {error}. Download it again.") from error


def _check_attention(tensors: Sequence[WeightArray], hidden_dim: int) -> None:
    shapes = {"weight": (hidden_dim, hidden_dim), "bias": (hidden_dim,)}
    for tensor in tensors:
        layer, _, kind = tensor.name.rpartition(".")
        if layer.endswith(PROJECTIONS) and tensor.shape != shapes.get(kind):
            raise BadInput(
                f"tensor {tensor.name} is {tensor.shape}, and config.json says "
                f"{shapes.get(kind)}: they do not belong together. Download both again."
            )
