"""Keep the first weights of a backbone's lowest layers (`train.freeze`).

With few battles, a pretrained backbone that is trained as a whole forgets more than it learns.
"""

import re
from typing import Literal

import keras
import keras_nlp

from preference.runtime.errors import BadInput

# The names of encoder layers in the backbones of keras-hub and of this project.
ENCODER_LAYER = re.compile(r".*_layer_\d+")


def freeze_layers(
    backbone: keras_nlp.models.Backbone, freeze: Literal["none", "embeddings"] | int
) -> None:
    """Let the embeddings, and the lowest encoder layers, keep their weights.

    Args:
        backbone: the backbone, before its training step is compiled.
        freeze: `embeddings`, or the number of layers that keep their weights as well.

    Raises:
        BadInput: the backbone has fewer layers.
    """
    if freeze == "none":
        return
    encoder = encoder_layers(backbone)
    number = 0 if freeze == "embeddings" else freeze
    if number > len(encoder):
        raise BadInput(
            f"params.yaml, train.freeze: {number} layers are more than the {len(encoder)} of the "
            "backbone. Lower it."
        )
    embeddings = [layer for layer in _layers(backbone) if "embedding" in layer.name]
    for layer in (*embeddings, *encoder[:number]):
        layer.trainable = False


def unfreeze_layers(backbone: keras_nlp.models.Backbone) -> None:
    """Let all layers learn, also those that an earlier training of a loaded backbone froze."""
    for layer in _layers(backbone):
        layer.trainable = True


def encoder_layers(backbone: keras_nlp.models.Backbone) -> list[keras.layers.Layer]:
    """Return the encoder layers, the lowest first."""
    return [layer for layer in _layers(backbone) if ENCODER_LAYER.fullmatch(layer.name)]


def _layers(backbone: keras_nlp.models.Backbone) -> list[keras.layers.Layer]:
    return getattr(backbone, "encoder", backbone).layers
