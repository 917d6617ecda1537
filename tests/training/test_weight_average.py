"""The averaged weights against their definition, in the optimizer and in a whole training run."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from planted_training import PACKING, TOKENS_PER_BATCH, TRAIN, make_model, plant
from sklearn.metrics import log_loss
from small_model import train_params

from preference.battles.table import A_WINS, B_WINS, TIE
from preference.models.preference_model import backbone_of
from preference.prediction.predictor import predict_battles
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.fit import train_model
from preference.training.optimizer import build_optimizer


def average(values, decay):
    """Return the debiased moving average of arrays, oldest first, in double precision."""
    ages = np.arange(len(values))[::-1]
    shares = (1 - decay) * decay**ages / (1 - decay ** len(values))
    return np.tensordot(shares, np.array(values, dtype="float64"), axes=1)


@pytest.mark.parametrize("decay", [0.5, 0.9999])
def test_the_average_after_every_step_is_its_definition(decay):
    """With gradients of few rows of a table too: Adam moves its other rows, or leaves them."""
    random = np.random.default_rng(1)
    table, bias = (
        keras.Variable(random.normal(size=shape).astype("float32"), name="x")
        for shape in ((6, 4), (4,))
    )
    optimizer = build_optimizer(train_params(weight_average=decay, learning_rate=0.3), 30)
    optimizer.build([table, bias])
    history = []
    for _ in range(30):
        values = tf.constant(random.normal(size=(2, 4)), tf.float32)
        sparse = tf.IndexedSlices(values, tf.constant(random.integers(5, size=2)), (6, 4))
        optimizer.apply([sparse, tf.constant(random.normal(size=4), tf.float32)], [table, bias])
        history.append([variable.numpy() for variable in (table, bias)])
        for found, values in zip(optimizer.averages, zip(*history, strict=True), strict=True):
            np.testing.assert_allclose(found.numpy(), average(values, decay), rtol=1e-4, atol=1e-6)
    assert np.abs(history[-1][0] - history[0][0]).max() > 0.5


class Weights(keras.callbacks.Callback):
    """Collect the weights after every step, and those that each epoch begins with."""

    def __init__(self):
        super().__init__()
        self.steps, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.model.get_weights())

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())


def test_the_average_of_the_steps_up_to_the_best_epoch_is_judged_and_kept():
    decay, epochs = 0.8, 3
    tokens, labels = plant(200)
    rows = np.arange(200)
    battles, valid = (
        LabelledBattles(tokens, PACKING, rows[part], labels[part])
        for part in (slice(100), slice(100, 200))
    )
    model, weights = make_model(), Weights()
    # A frozen layer has no average.
    backbone_of(model).get_layer("embeddings_layer_norm").trainable = False
    sampler = BatchSampler(battles, TOKENS_PER_BATCH, seed=3)
    params = replace(TRAIN, epochs=epochs, weight_average=decay)
    result = train_model(model, sampler, valid, params, [weights])

    steps = weights.steps[: sampler.steps * result["best_epoch"]]
    for found, values in zip(model.get_weights(), zip(*steps, strict=True), strict=True):
        np.testing.assert_allclose(found, average(values, decay), rtol=1e-4, atol=1e-6)
    predictions = predict_battles(model, tokens, valid.rows, PACKING, "test")
    truth = log_loss(valid.labels, predictions.probabilities, labels=[A_WINS, B_WINS, TIE])
    assert result["valid_log_loss"] == pytest.approx(truth, rel=1e-4)
    # Training continues from the last step, as without an average.
    for epoch in range(1, epochs):
        last = weights.steps[sampler.steps * epoch - 1]
        for ours, theirs in zip(weights.epochs[epoch], last, strict=True):
            np.testing.assert_array_equal(ours, theirs)
