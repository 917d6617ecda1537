"""Battles that cannot be ties: their loss is that of A and B alone."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from planted_training import PACKING, TOKENS_PER_BATCH, TRAIN, make_model, plant
from scipy.special import log_softmax, softmax

from preference.battles.table import A_WINS, B_WINS, TIE
from preference.prediction.predictor import predict_battles
from preference.training.dataset import IMPOSSIBLE, BatchSampler, LabelledBattles
from preference.training.fit import train_model
from preference.training.masked_loss import (
    MaskedCrossentropy,
    masked_accuracy,
    masked_crossentropy,
)

LOGITS = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
WITH_TIES = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
WITHOUT_TIES = np.array([[1, 0, IMPOSSIBLE], [0, 1, IMPOSSIBLE]] * 3, np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_that_of_a_and_b_alone(smoothing):
    targets = WITHOUT_TIES[:, :2] * (1 - smoothing) + smoothing / 2
    expected = -(targets * log_softmax(LOGITS[:, :2], axis=1)).sum(axis=1)
    loss = masked_crossentropy(WITHOUT_TIES, LOGITS, smoothing).numpy()
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_with_ties_the_loss_is_that_of_keras(smoothing, reduction):
    kerass = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=reduction
    )
    ours = MaskedCrossentropy(smoothing, reduction)(WITH_TIES, LOGITS)
    assert float(ours) == pytest.approx(float(kerass(WITH_TIES, LOGITS)), rel=1e-6)


def test_only_battles_that_can_be_ties_have_a_gradient_of_the_tie():
    labels = np.concatenate([WITHOUT_TIES[:3], WITH_TIES[3:]])
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(masked_crossentropy(labels, logits, 0.1))
    gradient = tape.gradient(loss, logits).numpy()
    assert (gradient[:3, TIE] == 0).all()
    binary = softmax(LOGITS[:3, :2], axis=1) - (labels[:3, :2] * 0.9 + 0.05)
    assert gradient[:3, :2] == pytest.approx(binary, abs=1e-6)
    full = softmax(LOGITS[3:], axis=1) - (labels[3:] * 0.9 + 0.1 / 3)
    assert gradient[3:] == pytest.approx(full, abs=1e-6)


def test_a_tie_that_cannot_be_is_not_the_most_probable_label():
    logits = np.array([[1.0, 0.0, 9.0]] * 2, np.float32)
    labels = np.array([[1, 0, IMPOSSIBLE], [1, 0, 0]], np.float32)
    assert masked_accuracy(labels, logits).numpy().tolist() == [1, 0]


def train(has_ties, labels, tokens, rows):
    """Train on the battles `rows`, and return the model and its result."""
    battles = LabelledBattles(tokens, PACKING, rows, labels[rows], has_ties[rows])
    sampler = BatchSampler(battles, TOKENS_PER_BATCH, seed=3)
    model = make_model()
    return model, train_model(model, sampler, battles, replace(TRAIN, epochs=5), [])


def test_a_network_without_ties_learns_and_leaves_the_bias_of_the_tie():
    tokens, labels = plant(400)
    rows = np.flatnonzero(labels != TIE)
    model, result = train(np.zeros(400, bool), labels, tokens, rows)
    assert model.get_layer("head").layers[-1].get_layer("logits").bias.numpy()[TIE] == 0
    predictions = predict_battles(model, tokens, rows, PACKING, "test").probabilities
    of_label = predictions[np.arange(len(rows)), labels[rows]]
    decided = predictions[:, [A_WINS, B_WINS]].sum(axis=1)
    assert result["valid_log_loss"] == pytest.approx(-np.log(of_label / decided).mean(), rel=1e-4)
    assert result["valid_log_loss"] < 0.3 and result["valid_accuracy"] > 0.95


def test_in_a_mix_the_battles_without_ties_do_not_make_ties_rarer():
    """Where no token decides, half of the battles with ties are ties, and half go to A or B."""
    tokens, planted = plant(450)
    undecided = np.flatnonzero(planted == TIE)
    labels = planted.copy()
    with_ties, without = np.split(undecided, [len(undecided) // 2])
    labels[with_ties[::2]] = np.arange(len(with_ties[::2])) % 2
    labels[without] = np.arange(len(without)) % 2
    has_ties = np.ones(450, bool)
    has_ties[without] = False
    model, _ = train(has_ties, labels, tokens, np.arange(450))
    predicted = predict_battles(model, tokens, with_ties, PACKING, "test").probabilities
    # If the battles without ties counted as battles that are no ties, it would be a quarter.
    assert predicted[:, TIE].mean() == pytest.approx(1 / 2, abs=0.08)
