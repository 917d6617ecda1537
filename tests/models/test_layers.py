"""The layers of our encoder against closed forms, autodiff and the layers that they replace."""

from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from preference.models.deberta_v3.disentangled_self_attention import FlatProjection
from preference.models.fused.attention_softmax import softmax, softmax_product
from preference.models.fused.dropout import BITS, Dropout
from preference.models.fused.gelu import gelu, gelu_without_gradient
from preference.models.fused.layer_norm import LayerNormalization
from preference.models.fused.xla import xla_fused

THRESHOLD = 64
TOLERANCES = [("float32", 1e-5), ("bfloat16", 0.03)]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def dropped(scores, values, factors):
    return tf.matmul(tf.nn.softmax(scores) * factors, values)


def derive(function, inputs, upstream, dtype):
    """Return the output and the gradients of the inputs."""
    inputs = [tf.constant(tf.cast(x, dtype)) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(*inputs)
    return [output, *tape.gradient(output, inputs, tf.cast(upstream, dtype))]


def assert_close(found, expected, dtype, tolerance):
    """Compare with float64 values; the tolerance is relative to the largest of them."""
    for ours, truth in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        error = np.abs(tf.cast(ours, "float64") - truth).max()
        assert error < tolerance * np.abs(truth).max()


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_softmax_product_and_its_gradient(dtype, tolerance):
    inputs = [draw(2, 3, 40, 40, seed=1), draw(2, 3, 40, 8, seed=2)]
    upstream = draw(2, 3, 40, 8, seed=4)
    bits = np.random.default_rng(3).integers(2**BITS, size=inputs[0].shape, dtype=np.uint8)
    factors = (bits >= THRESHOLD) / (1 - THRESHOLD / 2**BITS)

    def compute(scores, values):
        return softmax_product(scores, values, tf.constant(bits), THRESHOLD)

    found = derive(compute, inputs, upstream, dtype)
    expected = derive(partial(dropped, factors=factors), inputs, upstream, "float64")
    assert_close(found, expected, dtype, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_softmax_is_rounded_once(dtype):
    scores = tf.cast(draw(4, 6, 300, seed=1) * 5, dtype)
    expected = tf.cast(tf.nn.softmax(tf.cast(scores, "float32")), dtype)
    found = tf.function(softmax)(scores)
    assert found.dtype == dtype
    np.testing.assert_array_equal(tf.cast(found, "float32"), tf.cast(expected, "float32"))


def normalized(x, gamma, beta):
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    deviation = tf.sqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + 1e-7)
    return centred / deviation * gamma + beta


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_layer_normalization_and_its_gradient(dtype, tolerance, training):
    x = 3 * draw(4, 9, 24, seed=1) + 2
    scales = [draw(24, seed=2), draw(24, seed=3)]
    upstream = draw(4, 9, 24, seed=4)
    policy = "float32" if dtype == "float32" else f"mixed_{dtype}"
    layer = LayerNormalization(epsilon=1e-7, dtype=policy)
    layer.build(x.shape)
    layer.set_weights(scales)
    with tf.GradientTape() as tape:
        inputs = tf.constant(tf.cast(x, dtype))
        tape.watch(inputs)
        output = layer(inputs, training=training)
    weights = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(output, [inputs, *weights], tf.cast(upstream, dtype))
    expected = derive(normalized, [x, *scales], upstream, "float64")
    assert_close([output, gradients[0]], expected[:2], dtype, tolerance)
    assert_close(gradients[1:], expected[2:], "float32", tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_the_gradient_of_gelu(dtype, tolerance):
    x = np.linspace(-6, 6, 1001)
    _, found = derive(gelu, [x], np.ones_like(x), dtype)
    assert_close([found], [norm.cdf(x) + x * norm.pdf(x)], dtype, tolerance)


@pytest.mark.parametrize("activation", [gelu, gelu_without_gradient])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("bfloat16", 0.02)])
def test_gelu_is_x_times_the_normal_distribution(activation, dtype, tolerance):
    x = np.linspace(-6, 6, 1001)
    found = activation(tf.cast(x, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(tf.cast(found, "float64"), x * norm.cdf(x), atol=tolerance)


@pytest.mark.skipif(
    "avx512bw" not in Path("/proc/cpuinfo").read_text(encoding="utf-8"),
    reason="TensorFlow fuses products of 16 bits on a processor with AVX-512",
)
def test_gelu_without_gradient_is_fused_with_the_product():
    """Fused, 16 bits are rounded once; otherwise every operation rounds."""
    x, weights, bias = (
        tf.cast(draw(*shape, seed=seed), "bfloat16")
        for seed, shape in enumerate([(64, 32), (32, 48), (48,)])
    )

    def compute(x):
        return gelu_without_gradient(tf.nn.bias_add(tf.matmul(x, weights), bias))

    product = tf.cast(x, "float64") @ tf.cast(weights, "float64") + tf.cast(bias, "float64")
    truth = product * norm.cdf(product)
    joined, apart = (
        np.abs(tf.cast(function(x), "float64") - truth).max() / np.abs(truth).max()
        for function in (tf.function(compute), compute)
    )
    # bfloat16 has 8 significant bits, and rounds to the nearest.
    assert joined <= 2**-9 < apart


@pytest.mark.parametrize(("equation", "outputs"), [("abc,cde->abde", (3, 4)), ("abc,cd->abd", 6)])
def test_flat_projection_is_an_einsum(equation, outputs):
    shape = (None, *np.atleast_1d(outputs))
    bias_axes = "de" if "e" in equation else "d"
    ours, stock = (
        kind(equation, shape, bias_axes=bias_axes, name="projection")
        for kind in (FlatProjection, keras.layers.EinsumDense)
    )
    x = draw(2, 5, 7)
    for layer in (ours, stock):
        layer.build(x.shape)
    stock.bias.assign(draw(*stock.bias.shape, seed=1))
    ours.set_weights(stock.get_weights())
    np.testing.assert_allclose(ours(x), stock(x), atol=1e-6)
    assert [weight.path for weight in ours.weights] == [weight.path for weight in stock.weights]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.999])
def test_dropout_keeps_the_expectation(rate):
    layer = Dropout(rate, seed=1)
    found = layer(tf.ones((1000, 1001)), training=True).numpy()
    fraction = (found == 0).mean()
    assert fraction == pytest.approx(rate, abs=1 / 256)
    assert 0 < fraction < 1
    assert found.mean() == pytest.approx(1, abs=0.1)
    assert len(np.unique(found)) == 2
    with tf.GradientTape() as tape:
        inputs = tf.fill((50, 60), 2.0)
        tape.watch(inputs)
        output = layer(inputs, training=True)
    np.testing.assert_array_equal(tape.gradient(output, inputs), output / 2)
    # Neighbours are independent.
    pairs = (found[:, ::2][:, :500] == 0) & (found[:, 1::2] == 0)
    assert pairs.mean() == pytest.approx(fraction**2, abs=0.002)


def test_xla_fused_compiles_once_and_on_a_gpu_not_at_all(monkeypatch):
    traced = []

    @xla_fused
    def double(x):
        traced.append(x)
        return 2 * x

    for _ in range(3):
        assert double(tf.constant(3.0)) == 6
    assert len(traced) == 1
    graph = tf.function(double).get_concrete_function(tf.constant(3.0)).graph
    (function,) = graph.as_graph_def().library.function
    assert function.attr["_XlaMustCompile"].b
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [kind])
    for _ in range(3):
        assert double(tf.constant(3.0)) == 6
    assert len(traced) == 4
