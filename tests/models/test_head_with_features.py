"""Heads that read features of each side next to its pooled vector, and their exact symmetry."""

import keras
import numpy as np
import pytest
from small_model import HEADS, HIDDEN, make_backbone, make_inputs, model_params

from preference.models.preference_model import build_model, encoder_of, score_both_orders
from preference.models.saved_model import load_model, save_model

FEATURES = 5


def make_model(head):
    keras.utils.set_random_seed(3)
    return build_model(make_backbone(), model_params(head), FEATURES)


def inputs_with_features(seed=0):
    random = np.random.default_rng(seed)
    inputs = make_inputs()
    features = random.normal(size=(len(inputs["token_ids"]), 2, FEATURES)).astype("float32")
    return {**inputs, "features": features}


def pooled_of(model, inputs):
    """Return what the head reads, float32 [n, 2, hidden + features], with each side read alone."""
    encoder, tokens = encoder_of(model), ("token_ids", "padding_mask")
    sides = [
        np.asarray(encoder({name: inputs[name][:, side] for name in tokens})) for side in range(2)
    ]
    return np.concatenate([np.stack(sides, axis=1), inputs["features"]], axis=-1)


def test_logits_are_those_of_numpy():
    model, inputs = make_model("concat"), inputs_with_features()
    kernel, bias = (weight.numpy() for weight in model.get_layer("head").weights)
    assert kernel.shape == (2 * (HIDDEN + FEATURES), 3)
    pooled = pooled_of(model, inputs)
    expected = pooled.reshape(len(pooled), -1) @ kernel + bias
    np.testing.assert_allclose(model(inputs), expected, atol=1e-5)


@pytest.mark.parametrize("head", ["equivariant", "davidson", "deep equivariant"])
def test_swapped_answers_have_swapped_logits_to_the_last_bit(head):
    model, inputs = make_model(head), inputs_with_features()
    in_order, swapped = score_both_orders(model, pooled_of(model, inputs))
    assert np.array_equal(in_order, swapped[:, [1, 0, 2]])
    other = {**inputs, "features": inputs_with_features(seed=1)["features"]}
    assert np.abs(in_order - np.asarray(model(other))).max() > 0.1


@pytest.mark.parametrize("head", HEADS)
def test_a_saved_model_gives_the_same_logits(tmp_path, head):
    model, inputs = make_model(head), inputs_with_features()
    save_model(model, tmp_path)
    assert np.array_equal(load_model(tmp_path)(inputs), model(inputs))
