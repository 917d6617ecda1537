"""The schedule against its closed form, and which weights decay."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import make_model, train_params

from preference.training.optimizer import FusedAdam, build_optimizer

PEAK = 0.003


def build(steps, **changes):
    values = {"learning_rate": PEAK, "weight_decay": 0.0, **changes}
    return build_optimizer(train_params(**values), steps)


def rate_at(optimizer, step):
    return float(optimizer._learning_rate(step))


def closed_form(step, steps, warmup):
    if step < warmup:
        return PEAK * step / warmup
    return PEAK * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("steps, share, warmup", [(200, 0.1, 20), (37, 0.3, 11), (50, 0.0, 0)])
def test_schedule_is_a_line_then_half_a_cosine(name, steps, share, warmup):
    optimizer = build(steps, optimizer=name, warmup_share=share)
    rates = [rate_at(optimizer, step) for step in range(steps + 1)]
    expected = [closed_form(step, steps, warmup) for step in range(steps + 1)]
    np.testing.assert_allclose(rates, expected, atol=1e-9)
    assert rates[0] == (0 if warmup else pytest.approx(PEAK))
    assert rates[warmup] == pytest.approx(PEAK) == max(rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    # After the last planned step the rate stays 0.
    assert rate_at(optimizer, steps + 50) == pytest.approx(0, abs=1e-9)


def test_a_training_run_of_warm_up_alone():
    optimizer = build(10, warmup_share=1.0)
    rates = [rate_at(optimizer, step) for step in range(11)]
    np.testing.assert_allclose(rates, PEAK * np.arange(11) / 10, atol=1e-9)


def test_a_single_step():
    optimizer = build(1)
    assert rate_at(optimizer, 0) == pytest.approx(PEAK)


def test_the_schedule_follows_the_steps_of_the_optimizer():
    """With a gradient of one, bias-corrected Adam moves by the rate of the step."""
    optimizer = build(20, optimizer="adam")
    variable = keras.Variable(np.zeros(1), name="kernel")
    moves = []
    for _ in range(20):
        before = float(variable.numpy()[0])
        optimizer.apply([np.ones(1, dtype="float32")], [variable])
        moves.append(before - float(variable.numpy()[0]))
    np.testing.assert_allclose(moves, [closed_form(step, 20, 2) for step in range(20)], atol=1e-7)


@pytest.fixture(scope="module")
def model():
    return make_model("mlp")


def after_zero_gradients(model, optimizer, steps):
    """Return the values of each weight before and after steps in which only decay changes it."""
    variables = model.trainable_variables
    random = np.random.default_rng(0)
    before = {}
    for variable in variables:
        variable.assign(random.normal(size=variable.shape))
        before[variable.path] = variable.numpy()
    optimizer.build(variables)
    for _ in range(steps):
        optimizer.apply([np.zeros(variable.shape, "float32") for variable in variables], variables)
    return {variable.path: (before[variable.path], variable.numpy()) for variable in variables}


def test_adamw_decays_matrices_by_rate_times_decay_and_nothing_else(model):
    decay, steps, warmup = 0.5, 5, 0
    optimizer = build(10, weight_decay=decay, warmup_share=0.0)
    factor = math.prod(1 - closed_form(step, 10, warmup) * decay for step in range(steps))
    decayed = set()
    for path, (before, after) in after_zero_gradients(model, optimizer, steps).items():
        if np.array_equal(before, after):
            continue
        decayed.add(path.rsplit("/", 1)[1])
        np.testing.assert_allclose(after, before * factor, rtol=1e-5, err_msg=path)
    assert decayed == {"kernel", "embeddings", "rel_embedding"}


def test_every_matrix_decays(model):
    optimizer = build(10, weight_decay=0.5, warmup_share=0.0)
    for path, (before, after) in after_zero_gradients(model, optimizer, 1).items():
        kept = path.rsplit("/", 1)[1] in ("bias", "gamma", "beta")
        assert np.array_equal(before, after) == kept, path


def test_adam_has_no_decay(model):
    optimizer = build(10, optimizer="adam", warmup_share=0.0)
    assert not optimizer.weight_decay
    for path, (before, after) in after_zero_gradients(model, optimizer, 3).items():
        assert np.array_equal(before, after), path


@pytest.mark.parametrize("weight_decay", [None, 0.1])
def test_fused_adam_updates_as_keras_does(weight_decay):
    """For dense gradients, and for those of an embedding, in which a row may occur twice.

    Keras gets the sum of such rows: it squares the rows of a sparse gradient one by one, which is
    not Adam.
    """
    random = np.random.default_rng(3)
    start = [random.normal(size=shape).astype("float32") for shape in ((6, 4), (4,))]
    steps = [
        (random.integers(6, size=3), random.normal(size=(3, 4)), random.normal(size=4))
        for _ in range(20)
    ]
    results = []
    for kind, prepare in (
        (FusedAdam, lambda gradient: gradient),
        (keras.optimizers.Adam, tf.convert_to_tensor),
    ):
        optimizer = kind(0.01, weight_decay=weight_decay)
        variables = [keras.Variable(value) for value in start]
        optimizer.build(variables)
        for rows, embedding, bias in steps:
            sparse = tf.IndexedSlices(tf.constant(embedding, tf.float32), rows, tf.constant((6, 4)))
            gradients = [prepare(sparse), tf.constant(bias, tf.float32)]
            optimizer.apply(gradients, variables)
        results.append([variable.numpy() for variable in variables])
    for found, expected, first in zip(*results, start, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(found - first).max() > 0.05


def test_the_head_has_a_learning_rate_of_its_own():
    """With gradients of one, bias-corrected Adam moves by the rate of the step."""
    body, head = (keras.Variable(np.zeros(1), name=name) for name in ("kernel", "logits"))
    params = train_params(
        learning_rate=PEAK,
        optimizer="adam",
        weight_decay=0.0,
        warmup_share=0.0,
        head_learning_rate_factor=5.0,
    )
    optimizer = build_optimizer(params, 20, [head])
    optimizer.apply([np.ones(1, dtype="float32")] * 2, [body, head])
    assert float(body.numpy()[0]) == pytest.approx(-PEAK, rel=1e-4)
    assert float(head.numpy()[0]) == pytest.approx(-5 * PEAK, rel=1e-4)


def numpy_adam(gradients, rates):
    """Return the moves of Adam (arXiv:1412.6980, algorithm 1) for gradients [steps, n]."""
    first, second, moves = 0.0, 0.0, []
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        scaled = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-7)
        moves.append(-rate * scaled)
    return sum(moves)


@pytest.mark.parametrize("sparse", [False, True])
def test_larger_gradients_are_scaled_to_the_norm(sparse):
    """One of two steps has a norm of 10, over both variables and with repeated rows."""
    norm, steps = 2.0, 20
    optimizer = build(steps, optimizer="adam", warmup_share=0.0, clip_norm=norm)
    table, bias = (keras.Variable(np.zeros(shape), name="x") for shape in ((3, 1), (1,)))
    gradients = np.array([[0.6, 0.0, 0.5, 0.3], [8.0, 0.0, 0.0, 6.0]], dtype="float32")
    for gradient in gradients:
        of_table = tf.constant(gradient[:3, None])
        if sparse:
            # The first row comes in two halves.
            values = tf.stack([of_table[0] / 2, of_table[0] / 2, of_table[2]])
            of_table = tf.IndexedSlices(values, tf.constant([0, 0, 2]), tf.constant([3, 1]))
        optimizer.apply([of_table, tf.constant(gradient[3:])], [table, bias])
    clipped = gradients * [[1.0], [norm / 10]]
    moves = numpy_adam(clipped, [closed_form(step, steps, 0) for step in range(2)])
    np.testing.assert_allclose([*table.numpy()[:, 0], *bias.numpy()], moves, rtol=1e-3)
