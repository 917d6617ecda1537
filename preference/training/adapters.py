"""Train small additions to the matrices of a frozen backbone (`train.lora_rank`).

LoRA (Hu et al., 2021, arXiv:2106.09685): a matrix W keeps its first values, and its layer computes
with W + AB, where A and B have `rank` columns and rows. A is random and B is zero at first, so that
training begins with the network as it was. Keras's `enable_lora` makes A and B; a projection of
query, key or value has an A for each head, and one B for all.

Guarantees
1. All matrices of the encoder layers have such an addition. Of those of the attention, query and
   value gain most for their size (Hu et al., section 7.1); without those of the feed-forward, LoRA
   stays behind the training of all weights (Dettmers et al., 2023, arXiv:2305.14314, section 4).
2. Everything else of the backbone keeps its first weights. The head is trained in full.
3. `merge_adapters` returns a model that is built as one without additions, and computes the same up
   to rounding. Keras would merge when it saves, but in the precision in which the layer computes.
"""

import math

import keras
import keras_nlp
from keras import ops

from preference.models.preference_model import backbone_of
from preference.runtime.errors import BadInput
from preference.training.frozen_layers import encoder_layers

# Names of the variables A and B.
ADDITIONS = ("lora_kernel_a", "lora_kernel_b")


def add_adapters(model: keras.Model, rank: int | None) -> None:
    """Freeze the backbone of `model`, and add to each matrix of its encoder layers.

    Args:
        model: as `build_model` makes it, before its training step is compiled.
        rank: of each addition; None to leave the model as it is.

    Raises:
        BadInput: the backbone has a matrix with fewer rows or columns, or no encoder layers.
    """
    if rank is None:
        return
    backbone = backbone_of(model)
    matrices = _matrices(backbone)
    largest = min((_full_rank(layer) for layer in matrices), default=0)
    if rank > largest:
        raise BadInput(
            f"params.yaml, train.lora_rank: {rank} is more than {largest}, the full rank of a "
            "matrix of the backbone. Lower it, or use null."
        )
    backbone.trainable = False
    for layer in matrices:
        layer.enable_lora(rank)
        for weight in layer.weights:
            weight.trainable = weight.name in ADDITIONS


def merge_adapters(model: keras.Model) -> keras.Model:
    """Return a model that computes the same without additions; `model` itself if it has none."""
    backbone = backbone_of(model)
    adapted = [layer for layer in _matrices(backbone) if layer.lora_enabled]
    if not adapted:
        return model
    for layer in adapted:
        layer._kernel.assign_add(ops.matmul(layer.lora_kernel_a, layer.lora_kernel_b))
        layer.lora_kernel_b.assign(ops.zeros_like(layer.lora_kernel_b))
    # A saved architecture says which layers were frozen.
    backbone.trainable = True
    merged = keras.Model.from_config(model.get_config())
    weights = [weight.numpy() for weight in model.weights if weight.name not in ADDITIONS]
    merged.set_weights(weights)
    return merged


def _matrices(backbone: keras_nlp.models.Backbone) -> list[keras.layers.Layer]:
    """Return the layers within the encoder layers that multiply by a matrix."""
    kinds = (keras.layers.Dense, keras.layers.EinsumDense)
    inner = (part for layer in encoder_layers(backbone) for part in layer._flatten_layers())
    return [part for part in inner if isinstance(part, kinds)]


def _full_rank(layer: keras.layers.Layer) -> int:
    *rows, columns = layer.kernel.shape
    return min(math.prod(rows), columns)
