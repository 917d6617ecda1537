"""Backbones with two segments, such as BERT, that read all tokens as the first segment."""

from collections.abc import Mapping

import keras
import keras_nlp
from keras import ops
from keras_nlp.layers import TransformerEncoder

SEGMENTED_INPUTS = {"token_ids", "padding_mask", "segment_ids"}


@keras.saving.register_keras_serializable(package="preference")
class FirstSegment(keras.layers.Layer):
    """Assign every token of (rows, length) to the first segment."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return zeros, (rows, length)."""
        return ops.zeros_like(inputs)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return a tensor like the input."""
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)


@keras.saving.register_keras_serializable(package="preference")
class SingleSegmentBackbone(keras_nlp.models.Backbone):
    """A backbone from `token_ids` and `padding_mask` to hidden states (rows, length, hidden).

    Args:
        encoder: a model with `segment_ids` too, and a layer `token_embedding`.
        dtype: precision policy; the global one by default.
    """

    def __init__(
        self,
        encoder: keras.Model,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: object,
    ) -> None:
        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        segment_ids = FirstSegment(name="first_segment")(token_ids)
        inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
        outputs = encoder({**inputs, "segment_ids": segment_ids})
        super().__init__(inputs=inputs, outputs=outputs, dtype=dtype, **kwargs)

        # === Config ===
        self.encoder = encoder
        self.token_embedding = encoder.get_layer("token_embedding")
        self.vocabulary_size = self.token_embedding.input_dim
        self.hidden_dim = outputs.shape[-1]

    def get_config(self) -> dict:
        """Return what `from_config` needs."""
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {**super().get_config(), "encoder": encoder}

    @classmethod
    def from_config(cls, config: dict) -> "SingleSegmentBackbone":
        """Rebuild the backbone with its encoder."""
        encoder = keras.saving.deserialize_keras_object(config.pop("encoder"))
        return cls(encoder, **config)


def with_single_segment(
    backbone: keras_nlp.models.Backbone, activation: str | None = None
) -> SingleSegmentBackbone:
    """Return a backbone without `segment_ids`, with the weights and the name of `backbone`.

    Layers that only other outputs need, such as the pooler of BERT, are left out: they would never
    be trained.

    Args:
        backbone: with `SEGMENTED_INPUTS`, and hidden states as its output `sequence_output`.
        activation: replaces that of the transformer layers; None to keep it.
    """
    encoder = keras.Model(backbone.input, backbone.output["sequence_output"], name="encoder")
    if activation:
        encoder = _clone(encoder, {TransformerEncoder: {"activation": activation}})
    return SingleSegmentBackbone(encoder, dtype=backbone.dtype_policy, name=backbone.name)


def replace_dropout(backbone: SingleSegmentBackbone, rate: float) -> SingleSegmentBackbone:
    """Return the backbone with another dropout rate in all layers, and the same weights."""
    changes = {TransformerEncoder: {"dropout": rate}, keras.layers.Dropout: {"rate": rate}}
    encoder = _clone(backbone.encoder, changes)
    return SingleSegmentBackbone(encoder, dtype=backbone.dtype_policy, name=backbone.name)


def replace_precision(backbone: SingleSegmentBackbone, precision: str) -> SingleSegmentBackbone:
    """Return the backbone with another dtype policy in all layers, and the same weights."""
    kinds = {type(layer) for layer in backbone.encoder.layers} - {keras.layers.InputLayer}
    encoder = _clone(backbone.encoder, {kind: {"dtype": precision} for kind in kinds})
    return SingleSegmentBackbone(encoder, dtype=precision, name=backbone.name)


def _clone(encoder: keras.Model, changes: Mapping[type, Mapping[str, object]]) -> keras.Model:
    """Return a copy with the same weights, and other arguments for the layers of some classes."""

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), **changes.get(type(layer), {})})

    changed = keras.models.clone_model(encoder, clone_function=clone)
    changed.set_weights(encoder.get_weights())
    return changed
