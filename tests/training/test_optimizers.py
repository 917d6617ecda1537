"""The schedule against its closed form, and which weights decay."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from preference.config.params import ModelParams, TrainParams
from preference.models.preference_model import build_model
from preference.models.pretrained.backbones import DebertaV3Backbone
from preference.training.optimizer import FusedAdam, build_optimizer

PEAK = 0.003


def train_params(**changes):
    values = {
        "optimizer": "adamw",
        "learning_rate": PEAK,
        "weight_decay": 0.0,
        "warmup_share": 0.1,
        "label_smoothing": 0.0,
        "tokens_per_batch": 256,
        "epochs": 1,
        "patience": 1,
        "precision": "float32",
        "seeds": [],
        "jit": "auto",
        "backend": "tensorflow",
        "distribution": "none",
    }
    return TrainParams(**values | changes)


def rate_at(optimizer, step):
    return float(optimizer._learning_rate(step))


def closed_form(step, steps, warmup):
    if step < warmup:
        return PEAK * step / warmup
    return PEAK * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("steps, share, warmup", [(200, 0.1, 20), (37, 0.3, 11), (50, 0.0, 0)])
def test_schedule_is_a_line_then_half_a_cosine(name, steps, share, warmup):
    optimizer = build_optimizer(train_params(optimizer=name, warmup_share=share), steps)
    rates = [rate_at(optimizer, step) for step in range(steps + 1)]
    expected = [closed_form(step, steps, warmup) for step in range(steps + 1)]
    np.testing.assert_allclose(rates, expected, atol=1e-9)
    assert rates[0] == (0 if warmup else pytest.approx(PEAK))
    assert rates[warmup] == pytest.approx(PEAK) == max(rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    # Steps beyond the planned ones learn nothing, and do not wrap around.
    assert rate_at(optimizer, steps + 50) == pytest.approx(0, abs=1e-9)


def test_a_training_that_only_warms_up():
    optimizer = build_optimizer(train_params(warmup_share=1.0), 10)
    rates = [rate_at(optimizer, step) for step in range(11)]
    np.testing.assert_allclose(rates, PEAK * np.arange(11) / 10, atol=1e-9)


def test_a_single_step():
    optimizer = build_optimizer(train_params(), 1)
    assert rate_at(optimizer, 0) == pytest.approx(PEAK)


def test_the_schedule_goes_by_step_of_the_optimizer():
    """With a gradient of one, bias-corrected Adam moves by the rate of the step."""
    optimizer = build_optimizer(train_params(optimizer="adam"), 20)
    variable = keras.Variable(np.zeros(1), name="kernel")
    moves = []
    for _ in range(20):
        before = float(variable.numpy()[0])
        optimizer.apply([np.ones(1, dtype="float32")], [variable])
        moves.append(before - float(variable.numpy()[0]))
    np.testing.assert_allclose(moves, [closed_form(step, 20, 2) for step in range(20)], atol=1e-7)


@pytest.fixture(scope="module")
def model():
    backbone = DebertaV3Backbone(
        vocabulary_size=30,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        bucket_size=4,
    )
    params = ModelParams(
        preset="x", seq_len=16, pool="mean", head="mlp", head_units=[5], head_dropout=[0.1]
    )
    return build_model(backbone, params)


def after_zero_gradients(model, optimizer, steps):
    """Return each weight's values before and after some steps that only decay can change."""
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
    optimizer = build_optimizer(train_params(weight_decay=decay, warmup_share=0.0), 10)
    factor = math.prod(1 - closed_form(step, 10, warmup) * decay for step in range(steps))
    decayed = set()
    for path, (before, after) in after_zero_gradients(model, optimizer, steps).items():
        if np.array_equal(before, after):
            continue
        decayed.add(path.rsplit("/", 1)[1])
        np.testing.assert_allclose(after, before * factor, rtol=1e-5, err_msg=path)
    assert decayed == {"kernel", "embeddings", "rel_embedding"}


def test_every_matrix_decays(model):
    optimizer = build_optimizer(train_params(weight_decay=0.5, warmup_share=0.0), 10)
    for path, (before, after) in after_zero_gradients(model, optimizer, 1).items():
        kept = path.rsplit("/", 1)[1] in ("bias", "gamma", "beta")
        assert np.array_equal(before, after) == kept, path


def test_adam_has_no_decay(model):
    optimizer = build_optimizer(train_params(optimizer="adam", warmup_share=0.0), 10)
    assert not optimizer.weight_decay
    for path, (before, after) in after_zero_gradients(model, optimizer, 3).items():
        assert np.array_equal(before, after), path


@pytest.mark.parametrize("weight_decay", [None, 0.1])
def test_one_pass_gives_the_updates_of_keras(weight_decay):
    """Of dense gradients, and of an embedding's, in which a row may stand twice.

    Keras is given the sum: of a sparse gradient it squares the parts, which is not Adam.
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
