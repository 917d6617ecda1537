"""Training on soft labels and weights, against training on the hard battles they stand for."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from dvclive import Live
from evaluation_inputs import mark_soft
from planted_training import PACKING, TRAIN, make_model, plant

from preference.battles.table import TIE
from preference.prediction.predictor import predict_battles
from preference.statistics.metrics import log_loss
from preference.training.callbacks import LiveMetrics
from preference.training.dataset import BatchSampler, LabelledBattles, validation_stream
from preference.training.distributed.shard import Shard
from preference.training.fit import train_model
from preference.training.run import read_labelled_battles
from preference.training.training_step import compile_step

COUNT = 24
# All battles are one batch, even where each is there three times.
ONE_BATCH = 2 * 16 * 3 * COUNT
TOKENS, LABELS = plant(COUNT)
WEIGHTS = np.random.default_rng(1).integers(1, 4, size=COUNT)
SMOOTHED = replace(TRAIN, tokens_per_batch=ONE_BATCH, label_smoothing=0.1)
HALVES = np.array([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]])[LABELS]


def battles(rows, labels, weights=None, has_ties=None):
    if weights is not None:
        weights = weights / weights.mean()
    return LabelledBattles(TOKENS, PACKING, rows, labels, has_ties, weights=weights)


@pytest.fixture(scope="module")
def model():
    """A network that no test trains: several take gradients of its loss."""
    return make_model()


def gradient(model, train, shard=None):
    """Return the gradient of the only step of an epoch, as one vector."""
    sampler = BatchSampler(train, ONE_BATCH, seed=3, shard=shard)
    assert sampler.steps == 1
    compile_step(model, SMOOTHED, 1, sampler.is_weighted, train.lacks_ties)
    inputs, labels, weights = next(iter(sampler.stream()))
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = model.compute_loss(x=inputs, y=labels, y_pred=logits, sample_weight=weights)
    gradients = tape.gradient(loss, [one.value for one in model.trainable_variables])
    return np.concatenate([tf.convert_to_tensor(one).numpy().ravel() for one in gradients])


@pytest.mark.parametrize("shard", [None, Shard()])
def test_a_weight_is_the_row_as_often(model, shard):
    twice = np.repeat(np.arange(COUNT), WEIGHTS)
    found = gradient(model, battles(np.arange(COUNT), LABELS, WEIGHTS), shard)
    expected = gradient(model, battles(twice, LABELS[twice]))
    assert found == pytest.approx(expected, abs=2e-6)
    unweighted = gradient(model, battles(np.arange(COUNT), LABELS))
    assert np.abs(found - unweighted).max() > 1e-3


@pytest.mark.parametrize("has_all_ties", [True, False])
def test_half_a_battle_is_a_hard_one_of_half_the_weight(model, has_all_ties):
    shares, has_ties = HALVES.copy(), np.ones(COUNT, bool)
    if not has_all_ties:
        has_ties[::2] = False
        shares[::2] = [0.5, 0.5, 0]
    rows, labels = np.nonzero(shares)
    counts = shares[rows, labels]
    found = gradient(model, battles(np.arange(COUNT), shares, has_ties=has_ties))
    expected = gradient(model, battles(rows, labels, counts, has_ties[rows]))
    assert found == pytest.approx(expected, abs=2e-6)


def test_valid_and_what_is_logged_have_the_weighted_cross_entropy(tmp_path):
    """With several batches of unequal size, so that a mean over batches would show."""
    tokens, labels = plant(300)
    random = np.random.default_rng(2)
    shares = 0.8 * np.eye(3)[labels] + 0.2 * random.dirichlet([1, 1, 1], size=300)
    weights = 10.0 ** random.integers(3, size=300)
    rows = np.arange(300)
    train, valid = (
        LabelledBattles(tokens, PACKING, part, shares[part], weights=weights[part])
        for part in (rows[:200], rows[200:])
    )
    sampler = BatchSampler(train, 512, seed=3)
    model, params = make_model(), replace(TRAIN, epochs=1, learning_rate=1e-30)
    with Live(str(tmp_path / "live"), dvcyaml=False, save_dvc_exp=False) as live:
        result = train_model(model, sampler, valid, params, [LiveMetrics(live, sampler)])
    predicted = predict_battles(model, tokens, rows, PACKING, "test").probabilities
    expected = log_loss(shares[200:], predicted[200:], weights[200:])
    assert result["valid_log_loss"] == pytest.approx(expected, rel=1e-4)
    assert result["valid_log_loss"] != pytest.approx(
        log_loss(shares[200:], predicted[200:]), rel=1e-3
    )
    lines = (tmp_path / "live/plots/metrics/train/log_loss.tsv").read_text().splitlines()[1:]
    batches = np.split(np.concatenate(sampler.batches(0)), sampler.battles_done(0)[:-1])
    parts = [np.concatenate(batches[start : start + 10]) for start in range(0, len(batches), 10)]
    logged = [float(line.split("\t")[1]) for line in lines]
    # The network has hardly changed.
    assert logged == pytest.approx(
        [log_loss(shares[part], predicted[part], weights[part]) for part in parts], rel=1e-3
    )


def test_the_battles_of_train_have_their_shares_and_weights_with_the_mean_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/split").mkdir(parents=True)
    table = pa.table({"id": np.arange(COUNT), "label": pa.array(LABELS, pa.int8())})
    pq.write_table(mark_soft(table, HALVES, WEIGHTS), "data/battles.parquet")
    chosen = np.arange(COUNT)[::-2]
    pq.write_table(pa.table({"id": chosen, "group": chosen}), "data/split/train.parquet")
    train = read_labelled_battles(TOKENS, PACKING, "train", None)
    assert (train.labels == HALVES[chosen]).all()
    assert train.weights.mean() == pytest.approx(1)
    assert train.weights / train.weights[0] == pytest.approx(WEIGHTS[chosen] / WEIGHTS[chosen[0]])


def test_valid_batches_have_the_weights_of_their_battles():
    valid = battles(np.arange(COUNT), LABELS, WEIGHTS)
    (plain,) = validation_stream(valid, ONE_BATCH)
    (padded,) = validation_stream(valid, ONE_BATCH, Shard(devices=5))
    assert sum(plain[2].numpy()) == pytest.approx(COUNT)
    assert len(padded[2]) == 25 and padded[2].numpy()[-1] == 0
    assert sum(padded[2].numpy()) == pytest.approx(COUNT)


def test_hard_labels_without_weights_have_batches_as_ever():
    train = battles(np.arange(COUNT), LABELS)
    assert not BatchSampler(train, 512, seed=3).is_weighted
    labels = train.batch(np.arange(5))[1]
    assert labels.dtype == np.float32
    assert (labels == np.eye(3)[LABELS[:5]]).all()
    assert len(next(iter(validation_stream(train, 512)))) == 2
    assert (LABELS == TIE).any()
