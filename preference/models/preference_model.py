"""The preference model: one backbone reads both sides; a pool and a head give three logits."""

import keras
import keras_nlp
import numpy as np
from keras import ops

from preference.config.model_params import ModelParams
from preference.models.heads import build_head
from preference.models.pair_layers import (
    AppendFeatures,
    FirstToken,
    FoldSides,
    MaskedMean,
    UnfoldSides,
)
from preference.runtime.errors import BadInput

INPUTS = ("token_ids", "padding_mask")
POOLED, FEATURES = "pooled", "features"
# Absolute positions have one vector each; relative positions have no maximum.
POSITIONS = "position_embedding/embeddings"
POOLS: dict[str, type[keras.layers.Layer]] = {"mean": MaskedMean, "cls": FirstToken}


def build_model(
    backbone: keras_nlp.models.Backbone, params: ModelParams, features: int = 0
) -> keras.Model:
    """Join backbone, pool and head, which starts from zero where the whole backbone is frozen.

    Args:
        backbone: from `token_ids` and `padding_mask` (rows, length) to (rows, length, hidden).
        params: `pool`, `head` and the head's layers, and `seq_len`.
        features: number of normalised features of a side, which the head reads, too.

    Returns: a model from `token_ids` and `padding_mask`, int32 (batch, 2, length), and, if there
        are any, `features`, float32 (batch, 2, features), A first, to logits of A wins, B wins and
        tie, float32 (batch, 3).

    Raises:
        BadInput: `seq_len` exceeds the positions of the backbone.
    """
    positions = position_count(backbone)
    if positions and params.seq_len > positions:
        raise BadInput(
            f"params.yaml, model.seq_len: {params.seq_len} tokens are more than the {positions} "
            f"positions of {params.preset!r}. Lower it for the experiments with this preset."
        )
    inputs = {name: keras.Input((2, None), dtype="int32", name=name) for name in INPUTS}
    rows = {name: FoldSides(name=f"fold_{name}")(tensor) for name, tensor in inputs.items()}
    vectors = POOLS[params.pool](name="pool")(backbone(rows), padding_mask=rows["padding_mask"])
    pooled = UnfoldSides(name=POOLED)(vectors)
    pooled = _append_features(pooled, inputs, features)
    head = build_head(
        params, backbone.hidden_dim + features, from_zero=not backbone.trainable_variables
    )
    return keras.Model(inputs, head(pooled), name="preference")


def head_of(model: keras.Model) -> keras.Model:
    """Return the head of a model that `build_model` made, with shared weights.

    Returns: a model from `pooled`, the pooled vectors, float32 (batch, 2, hidden), and the
        `features` of `model`, if it reads any, to its logits.
    """
    inputs = {POOLED: keras.Input((2, backbone_of(model).hidden_dim), name=POOLED)}
    features = model.input[FEATURES].shape[-1] if FEATURES in model.input else 0
    pooled = _append_features(inputs[POOLED], inputs, features)
    return keras.Model(inputs, model.get_layer("head")(pooled), name="preference_head")


def _append_features(
    pooled: keras.KerasTensor, inputs: dict[str, keras.KerasTensor], features: int
) -> keras.KerasTensor:
    """Return vectors with the features of their sides, if there are any, behind them.

    The features become one of `inputs`.
    """
    if not features:
        return pooled
    inputs[FEATURES] = keras.Input((2, features), dtype="float32", name=FEATURES)
    append = AppendFeatures(dtype="float32", name="append_features")
    return append(pooled, inputs[FEATURES])


def position_count(backbone: keras_nlp.models.Backbone) -> int | None:
    """Return the number of absolute positions of a backbone; None if positions are relative."""
    tables = [weight for weight in backbone.weights if weight.path.endswith(POSITIONS)]
    return min((table.shape[0] for table in tables), default=None)


def backbone_of(model: keras.Model) -> keras_nlp.models.Backbone:
    """Return the backbone of a model that `build_model` made."""
    (backbone,) = (layer for layer in model.layers if isinstance(layer, keras_nlp.models.Backbone))
    return backbone


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the backbone and the pool of `model`, which read one side, with shared weights.

    Returns: a model from `token_ids` and `padding_mask`, int32 (rows, length), to the pooled
        vectors (rows, hidden).
    """
    rows = {name: keras.Input((None,), dtype="int32", name=name) for name in INPUTS}
    vectors = model.get_layer("pool")(backbone_of(model)(rows), padding_mask=rows["padding_mask"])
    return keras.Model(rows, vectors, name="encoder")


def score_both_orders(model: keras.Model, pooled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits (battles, 3) of pooled vectors (battles, 2, hidden), in both orders.

    The features of a side, for a head that reads them, stand behind its vector. In the second array
    B is shown first, so its first logit is for B.
    """
    head = model.get_layer("head")
    in_order, swapped = (head(vectors, training=False) for vectors in (pooled, pooled[:, ::-1]))
    return ops.convert_to_numpy(in_order), ops.convert_to_numpy(swapped)
