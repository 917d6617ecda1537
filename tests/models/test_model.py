"""The preference model, compared with NumPy on the outputs of its backbone."""

import keras
import numpy as np
import pytest
from scipy.special import softmax
from small_model import (
    HEADS,
    HIDDEN,
    VOCABULARY,
    make_backbone,
    make_inputs,
    make_model,
    model_params,
)

from preference.config.model_params import ModelParams
from preference.models.heads import build_head
from preference.models.pair_layers import FirstToken, FoldSides, MaskedMean, UnfoldSides
from preference.models.preference_model import encoder_of, score_both_orders
from preference.models.pretrained.backbones import load_backbone


def swap(inputs):
    return {name: values[:, ::-1].copy() for name, values in inputs.items()}


def numpy_pooled(model, inputs, pool):
    """Return the pooled vectors, with each side read alone and pooled by NumPy."""
    sides = []
    for side in range(2):
        ids, mask = inputs["token_ids"][:, side], inputs["padding_mask"][:, side]
        vectors = np.asarray(
            model.get_layer("backbone")({"token_ids": ids, "padding_mask": mask}), dtype="float64"
        )
        rows = zip(vectors, mask, strict=True)
        means = [vectors[: mask.sum()].mean(axis=0) for vectors, mask in rows]
        sides.append(np.array(means) if pool == "mean" else vectors[:, 0])
    return np.stack(sides, axis=1)


def score(model, inputs):
    """Return the logits in both orders, with each side read alone."""
    encoder = encoder_of(model)
    sides = [
        encoder({name: values[:, side] for name, values in inputs.items()}) for side in range(2)
    ]
    return score_both_orders(model, np.stack(sides, axis=1))


def numpy_network(model, pooled):
    """Compute the dense layers on [a; b], with ReLU between them."""
    values = np.concatenate([pooled[:, 0], pooled[:, 1]], axis=1)
    weights = [weight.numpy() for weight in model.get_layer("head").weights]
    for index in range(0, len(weights), 2):
        values = values @ weights[index] + weights[index + 1]
        if index < len(weights) - 2:
            values = np.maximum(values, 0)
    return values


@pytest.mark.parametrize("pool", ["mean", "cls"])
@pytest.mark.parametrize("head", ["concat", "mlp"])
def test_logits_are_those_of_numpy(head, pool):
    model, inputs = make_model(head, pool), make_inputs()
    for weight in model.get_layer("head").weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    expected = numpy_network(model, numpy_pooled(model, inputs, pool))
    np.testing.assert_allclose(model(inputs), expected, atol=1e-4)
    assert expected.std() > 0.1


def test_davidson_logits_are_those_of_numpy():
    """The tie is worth nu times the geometric mean of what the two answers are worth."""
    model, inputs = make_model("davidson"), make_inputs()
    head = model.get_layer("head")
    log_tie, *dense = sorted(head.weights, key=lambda weight: weight.name != "log_tie_bias")
    log_tie.assign(0.7)
    first, first_bias, last, last_bias = (weight.numpy() for weight in dense)
    pooled = numpy_pooled(model, inputs, "mean")
    scores = (np.maximum(pooled @ first + first_bias, 0) @ last + last_bias)[:, :, 0]
    worth = np.exp(scores)
    tie = np.exp(0.7) * np.sqrt(worth[:, 0] * worth[:, 1])
    expected = np.column_stack([worth, tie])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(model(inputs), axis=1), expected, atol=1e-5)


@pytest.mark.parametrize("head", ["equivariant", "deep equivariant"])
def test_equivariant_logits_are_those_of_numpy(head):
    model, inputs = make_model(head), make_inputs()
    pooled = numpy_pooled(model, inputs, "mean")
    forward, backward = numpy_network(model, pooled), numpy_network(model, pooled[:, ::-1])
    ties = forward[:, 1] + backward[:, 1]
    expected = np.stack([forward[:, 0], backward[:, 0], ties], axis=1)
    np.testing.assert_allclose(model(inputs), expected, atol=1e-4)


def test_mean_is_over_tokens_without_padding():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4, 9, 3)).astype("float32")
    lengths = np.array([1, 4, 9, 7])
    mask = (np.arange(9) < lengths[:, None]).astype("int32")
    vectors[mask == 0] = 1e6
    pooled = MaskedMean()(vectors, padding_mask=mask)
    expected = [row[:length].mean(axis=0) for row, length in zip(vectors, lengths, strict=True)]
    np.testing.assert_allclose(pooled, expected, rtol=1e-5)


def test_cls_is_the_first_vector():
    vectors = np.random.default_rng(0).normal(size=(4, 9, 3)).astype("float32")
    pooled = FirstToken()(vectors, padding_mask=np.ones((4, 9)))
    assert np.array_equal(pooled, vectors[:, 0])


def test_sides_are_folded_and_unfolded_in_order():
    battles = np.arange(3 * 2 * 5).reshape(3, 2, 5).astype("float32")
    folded = np.asarray(FoldSides()(battles))
    assert np.array_equal(folded, [battles[row // 2, row % 2] for row in range(6)])
    assert np.array_equal(UnfoldSides()(folded), battles)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_padding_changes_no_logit(pool):
    model, inputs = make_model(pool=pool), make_inputs()
    other = np.where(inputs["padding_mask"] == 1, inputs["token_ids"], 9)
    assert np.array_equal(model(inputs), model({**inputs, "token_ids": other}))
    wider = {name: np.pad(one, ((0, 0), (0, 0), (0, 20))) for name, one in inputs.items()}
    np.testing.assert_allclose(model(wider), model(inputs), atol=1e-5)


@pytest.mark.parametrize("head", ["equivariant", "deep equivariant", "davidson"])
def test_swapping_the_sides_swaps_a_and_b_exactly(head):
    params = model_params(head)
    keras.utils.set_random_seed(0)
    network = build_head(params, HIDDEN)
    pooled = np.random.default_rng(0).normal(size=(50, 2, HIDDEN)).astype("float32")
    logits = np.asarray(network(pooled))
    swapped = np.asarray(network(pooled[:, ::-1]))
    assert np.array_equal(swapped, logits[:, [1, 0, 2]])
    assert np.abs(logits[:, 0] - logits[:, 1]).min() > 0
    logits, swapped = score(make_model(head), make_inputs(33))
    assert np.array_equal(swapped, logits[:, [1, 0, 2]])
    probabilities = softmax(logits, axis=1), softmax(swapped, axis=1)
    np.testing.assert_allclose(probabilities[1], probabilities[0][:, [1, 0, 2]], rtol=1e-6)


@pytest.mark.parametrize("head", ["concat", "mlp"])
def test_other_heads_depend_on_the_order(head):
    logits, swapped = score(make_model(head), make_inputs())
    assert not np.allclose(swapped, logits[:, [1, 0, 2]], atol=1e-3)


@pytest.mark.parametrize("head", HEADS)
def test_swapped_logits_are_those_of_swapped_battles(head):
    model, inputs = make_model(head), make_inputs()
    logits, swapped = score(model, inputs)
    np.testing.assert_allclose(logits, model(inputs), atol=1e-6)
    np.testing.assert_allclose(swapped, model(swap(inputs)), atol=1e-5)


def test_the_encoder_shares_the_weights():
    model = make_model()
    head = {id(weight) for weight in model.get_layer("head").weights}
    assert {id(weight) for weight in encoder_of(model).weights} | head == {
        id(weight) for weight in model.weights
    }


def test_the_mean_is_counted_in_float32():
    """bfloat16 has 8 bits: it cannot count to 513, and a sum of ones stays at 256."""
    mask = np.ones((1, 600), dtype=np.int32)
    mask[:, 513:] = 0
    values = np.where(mask, 1.0, 99.0)[:, :, None]
    pooled = MaskedMean(dtype="mixed_bfloat16")(values.astype("bfloat16"), padding_mask=mask)
    assert np.asarray(pooled).tolist() == [[1.0]]


def test_one_backbone_reads_both_sides():
    model = make_model()
    inputs = make_inputs()
    twice = {name: values[:, [0, 0]] for name, values in inputs.items()}
    pooled = keras.Model(model.input, model.get_layer("pooled").output)
    vectors = np.asarray(pooled(twice))
    np.testing.assert_allclose(vectors[:, 0], vectors[:, 1], atol=1e-6)
    expected = sum(weight.shape.num_elements() for weight in make_backbone().weights)
    assert model.count_params() == expected + 2 * HIDDEN * 3 + 3


def layers_of(head):
    network = head.get_layer("network")
    return [(type(layer).__name__, layer) for layer in network.layers]


def test_mlp_has_the_layers_of_the_parameters():
    params = ModelParams(
        dropout=None,
        preset="x",
        seq_len=16,
        pool="mean",
        head="mlp",
        head_units=[512, 256, 64],
        head_dropout=[0.3, 0.2, 0.1],
    )
    layers = layers_of(build_head(params, HIDDEN))
    dense = [layer for kind, layer in layers if kind == "Dense"]
    assert [layer.units for layer in dense] == [512, 256, 64, 3]
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 3 + ["linear"]
    assert [layer.rate for kind, layer in layers if kind == "Dropout"] == [0.3, 0.2, 0.1]
    kinds = [kind for kind, _ in layers]
    assert kinds == ["Flatten", *["Dense", "Dropout"] * 3, "Dense"]


def test_concat_is_one_dense_layer():
    layers = layers_of(build_head(model_params(), HIDDEN))
    assert [kind for kind, _ in layers] == ["Flatten", "Dense"]
    assert layers[1][1].kernel.shape == (2 * HIDDEN, 3)


@pytest.mark.parametrize("preset", ["deberta_v3_tiny", "deberta_v3_mini"])
def test_our_configurations_make_a_model(preset):
    backbone = load_backbone(preset, vocabulary_size=VOCABULARY)
    assert backbone.vocabulary_size == VOCABULARY
    logits = np.asarray(make_model(backbone=backbone)(make_inputs()))
    assert logits.shape == (5, 3)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
