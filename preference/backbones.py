"""Backbones: our own small DeBERTa v3 configurations, or any keras-nlp preset."""

import keras
import keras_nlp

from preference.deberta import DebertaV3Backbone, with_fast_attention
from preference.errors import BadInput
from preference.presets import loading_preset

INPUTS = {"token_ids", "padding_mask"}

# Trained from scratch, in the place of extra-small and small. Few position buckets, because the
# default's texts are short; distances beyond the last bucket are clipped. The first weights have a
# deviation of 1 / sqrt(hidden_dim): with the large models' 0.02, attention stays uniform for long.
SMALL_CONFIGURATIONS = {
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


def load_backbone(preset: str, vocabulary_size: int) -> keras_nlp.models.Backbone:
    """Build one of our configurations with fresh weights, or load a preset with its own.

    A preset of DeBERTa v3 gets our attention, which computes the same in less time. The precision
    is the global policy's.

    Args:
        preset: a name in `SMALL_CONFIGURATIONS`, or what `loading_preset` accepts.
        vocabulary_size: rows of the embedding table of our own configurations.

    Raises:
        BadInput: the preset cannot be loaded, or needs inputs other than `INPUTS`.
    """
    if preset in SMALL_CONFIGURATIONS:
        return DebertaV3Backbone(
            vocabulary_size=vocabulary_size, **SMALL_CONFIGURATIONS[preset], name="backbone"
        )
    with loading_preset(preset):
        backbone = keras_nlp.models.Backbone.from_preset(
            preset, dtype=keras.config.dtype_policy().name, name="backbone"
        )
    if set(backbone.input) != INPUTS:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} takes {', '.join(sorted(backbone.input))}, and "
            f"only {' and '.join(sorted(INPUTS))} are given. Use a DeBERTa v3 or RoBERTa preset."
        )
    if isinstance(backbone, keras_nlp.models.DebertaV3Backbone):
        return with_fast_attention(backbone)
    return backbone
