"""Backbones: our own small DeBERTa v3 configurations, or any preset with weights."""

from pathlib import Path
from typing import Any

import keras_nlp

from preference.models import single_segment
from preference.models.deberta_v3.backbone import DebertaV3Backbone, with_fast_attention
from preference.models.pretrained.hf_bert import load_hugging_face_bert
from preference.models.pretrained.hf_conversion import CONVERTERS, convert_hugging_face
from preference.models.pretrained.hf_deberta import load_hugging_face_deberta
from preference.models.pretrained.keras_backbone import load_keras_backbone
from preference.models.single_segment import (
    SEGMENTED_INPUTS,
    SingleSegmentBackbone,
    with_single_segment,
)
from preference.presets.resolve import loading_preset, read_hugging_face_config
from preference.runtime.errors import BadInput

INPUTS = {"token_ids", "padding_mask"}
# By `model_type` in config.json. Other types in `CONVERTERS` need no loader of their own.
HUGGING_FACE_LOADERS = {"deberta-v2": load_hugging_face_deberta, "bert": load_hugging_face_bert}

# Trained from scratch, where the study has pretrained extra-small and small models. The texts of
# the default are short, so few position buckets are enough; larger distances are clipped. The
# initial weights have a standard deviation of 1 / sqrt(hidden_dim): with 0.02, as in large models,
# attention stays uniform for a long time.
SMALL_CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "deberta_v3_tiny": {
        "num_layers": 2,
        "num_heads": 2,
        "hidden_dim": 64,
        "intermediate_dim": 256,
        "bucket_size": 16,
        "dropout": 0.0,
        "initializer_range": 0.125,
    },
    "deberta_v3_mini": {
        "num_layers": 2,
        "num_heads": 2,
        "hidden_dim": 128,
        "intermediate_dim": 256,
        "bucket_size": 16,
        "dropout": 0.0,
        "initializer_range": 0.09,
    },
}


def load_backbone(
    preset: str, vocabulary_size: int, dropout: float | None = None
) -> keras_nlp.models.Backbone:
    """Build one of our configurations with initial weights, or load a preset with its weights.

    A preset of DeBERTa v3 gets our attention, which computes the same in less time. A backbone with
    two segments, such as BERT, reads all tokens as the first segment. The precision is that of the
    global policy.

    Args:
        preset: a name in `SMALL_CONFIGURATIONS`, or what `loading_preset` accepts.
        vocabulary_size: rows of the embedding table of our own configurations.
        dropout: the rate of all dropout layers; None for that of the preset.

    Returns: a backbone from `INPUTS` to hidden states (rows, length, hidden).

    Raises:
        BadInput: the preset cannot be loaded, or needs other inputs.
    """
    if preset in SMALL_CONFIGURATIONS:
        config = dict(SMALL_CONFIGURATIONS[preset])
        if dropout is not None:
            config["dropout"] = dropout
        return DebertaV3Backbone(vocabulary_size=vocabulary_size, **config, name="backbone")
    with loading_preset(preset) as source:
        backbone = _load_pretrained(source)
    if set(backbone.input) != INPUTS:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} takes {', '.join(sorted(backbone.input))}, and "
            f"only {' and '.join(sorted(INPUTS))} are given. Use a preset of DeBERTa v3, BERT or "
            "RoBERTa."
        )
    return backbone if dropout is None else replace_dropout(backbone, dropout)


def replace_dropout(backbone: keras_nlp.models.Backbone, rate: float) -> keras_nlp.models.Backbone:
    """Return the backbone with another rate in all its dropout layers, and the same weights."""
    if isinstance(backbone, SingleSegmentBackbone):
        return single_segment.replace_dropout(backbone, rate)
    changed = type(backbone).from_config({**backbone.get_config(), "dropout": rate})
    changed.set_weights(backbone.get_weights())
    return changed


def _load_pretrained(source: str) -> keras_nlp.models.Backbone:
    config = read_hugging_face_config(source)
    if not config:
        return adapt_backbone(load_keras_backbone(source))
    model_type = config["model_type"]
    if load := HUGGING_FACE_LOADERS.get(model_type):
        return load(Path(source), config)
    if model_type in CONVERTERS:
        return adapt_backbone(convert_hugging_face(Path(source), config))
    known = ", ".join(sorted({*HUGGING_FACE_LOADERS, *CONVERTERS}))
    raise BadInput(f"there is no converter for model_type {model_type!r}, only for {known}.")


def adapt_backbone(backbone: keras_nlp.models.Backbone) -> keras_nlp.models.Backbone:
    """Give keras-nlp's DeBERTa v3 our attention, and a backbone with segments only the first."""
    if isinstance(backbone, keras_nlp.models.DebertaV3Backbone):
        return with_fast_attention(backbone)
    if set(backbone.input) == SEGMENTED_INPUTS:
        return with_single_segment(backbone)
    return backbone
