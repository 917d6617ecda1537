"""Frozen layers keep their weights in a training step, and all others learn."""

import keras_nlp
import numpy as np
import pytest
from small_model import make_backbone, make_inputs, make_model, train_params

from preference.models.deberta_v3.backbone import DebertaV3Backbone
from preference.models.single_segment import with_single_segment
from preference.runtime.errors import BadInput
from preference.training.frozen_layers import freeze_layers
from preference.training.training_step import compile_step


def two_layers():
    values = make_backbone().get_config()
    return DebertaV3Backbone(**{**values, "num_layers": 2})


def changed_by_a_step(freeze):
    """Return the first part of the path of every variable that a step changes."""
    backbone = two_layers()
    freeze_layers(backbone, freeze)
    model = make_model(backbone=backbone)
    before = {weight.path: weight.numpy() for weight in model.weights}
    compile_step(model, train_params(warmup_share=0.0), steps=10, weighted=False)
    model.train_on_batch(make_inputs(), np.eye(3)[[0, 1, 2, 0, 1]])
    changed = (one for one in model.weights if not np.array_equal(before[one.path], one.numpy()))
    return {one.path.split("/")[0] for one in changed}


LAYERS = [f"disentangled_attention_encoder_layer_{number}" for number in range(2)]
EMBEDDINGS = ["token_embedding", "embeddings_layer_norm", "rel_embedding"]


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [("none", []), ("embeddings", EMBEDDINGS), (1, [*EMBEDDINGS, LAYERS[0]])],
)
def test_what_is_frozen_keeps_its_weights(freeze, frozen):
    everything = {*EMBEDDINGS, *LAYERS, "network"}
    assert changed_by_a_step(freeze) == everything - set(frozen)


def test_the_layers_of_bert_are_found():
    bert = keras_nlp.models.BertBackbone(
        vocabulary_size=10, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=8
    )
    backbone = with_single_segment(bert)
    freeze_layers(backbone, 2)
    assert backbone.trainable_variables == []


def test_more_layers_than_there_are_is_told():
    with pytest.raises(BadInput, match=r"train.freeze: 3 layers are more than the 2"):
        freeze_layers(two_layers(), 3)
