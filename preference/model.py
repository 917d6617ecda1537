"""The preference model: one backbone reads both sides, a pool and a head make three logits."""

import keras
import keras_nlp

from preference.heads import build_head
from preference.pair_layers import FirstToken, FoldSides, MaskedMean, SwapSides, UnfoldSides
from preference.params import ModelParams

POOLS = {"mean": MaskedMean, "cls": FirstToken}


def build_model(backbone: keras_nlp.models.Backbone, params: ModelParams) -> keras.Model:
    """Join backbone, pool and head.

    Args:
        backbone: takes `token_ids` and `padding_mask` (rows, length), gives (rows, length, hidden).
        params: `pool`, `head` and the head's layers.

    Returns: a model from `token_ids` and `padding_mask`, int32 (batch, 2, length), A first, to
        logits of A wins, B wins and tie, float32 (batch, 3).
    """
    inputs = {
        name: keras.Input((2, None), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask")
    }
    rows = {name: FoldSides(name=f"fold_{name}")(tensor) for name, tensor in inputs.items()}
    vectors = POOLS[params.pool](name="pool")(backbone(rows), padding_mask=rows["padding_mask"])
    pooled = UnfoldSides(name="pooled")(vectors)
    logits = build_head(params, backbone.hidden_dim)(pooled)
    return keras.Model(inputs, logits, name="preference")


def score_both_orders(model: keras.Model) -> keras.Model:
    """Return a model that shares the weights and gives `logits` and `swapped` logits.

    `swapped` is what the model says when B is shown first (its first logit is for B). It costs one
    more pass through the head, none through the backbone.
    """
    pooled, head = model.get_layer("pooled").output, model.get_layer("head")
    swapped = head(SwapSides(name="swap")(pooled))
    return keras.Model(
        model.input, {"logits": model.output, "swapped": swapped}, name="both_orders"
    )
