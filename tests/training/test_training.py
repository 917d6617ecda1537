import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from dvclive import Live
from planted_training import PACKING, TOKENS_PER_BATCH, TRAIN, make_model, plant
from sklearn.metrics import log_loss
from tensorflow.python.framework.config import disable_op_determinism, is_op_determinism_enabled

from preference.battles.table import A_WINS, B_WINS, TIE
from preference.models.saved_model import load_model, save_model
from preference.prediction.predictor import predict_battles
from preference.runtime.strict_json import parse_json
from preference.training.callbacks import LiveMetrics, ProgressBar
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.fit import train_model
from preference.training.training_step import compiles_with_xla


def train(folder, labels_of_valid=None, params=TRAIN):
    tokens, labels = plant(400)
    rows = np.arange(400)
    valid = LabelledBattles(
        tokens, PACKING, rows[300:], labels[300:] if labels_of_valid is None else labels_of_valid
    )
    sampler = BatchSampler(
        LabelledBattles(tokens, PACKING, rows[:300], labels[:300]), TOKENS_PER_BATCH, seed=3
    )
    model = make_model()
    with Live(str(folder), dvcyaml=False, save_dvc_exp=False) as live:
        callbacks = [ProgressBar("test", sampler, params.epochs), LiveMetrics(live, sampler)]
        best = train_model(model, sampler, valid, params, callbacks)
    return model, tokens, valid, best


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of the logs, model, tokens, valid battles and result of one training."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, *train(folder)


def test_a_planted_signal_is_learned(trained):
    _, model, tokens, valid, best = trained
    predictions = predict_battles(model, tokens, valid.rows, PACKING, "test")
    assert (predictions.probabilities.argmax(axis=1) == valid.labels).mean() > 0.95
    # The weights of the best epoch are restored, and its log loss has no label smoothing.
    truth = log_loss(valid.labels, predictions.probabilities, labels=[A_WINS, B_WINS, TIE])
    assert best["valid_log_loss"] == pytest.approx(truth, rel=1e-4)


def test_metrics_are_logged_by_step_and_epoch(trained):
    folder, *_, best = trained
    by_step = (folder / "plots/metrics/train/log_loss.tsv").read_text().splitlines()[1:]
    assert [int(line.split("\t")[0]) for line in by_step] == [
        19 * epoch + step for epoch in range(8) for step in (10, 19)
    ]
    by_epoch = (folder / "plots/metrics/eval/log_loss.tsv").read_text().splitlines()[1:]
    steps, losses = zip(*(map(float, line.split("\t")) for line in by_epoch), strict=True)
    assert list(steps) == [19 * epoch for epoch in range(1, 9)]
    assert best["best_epoch"] == 1 + int(np.argmin(losses))
    assert best["valid_log_loss"] == pytest.approx(min(losses))


def test_the_train_loss_is_the_mean_over_the_battles_of_the_last_steps(tmp_path):
    random = np.random.default_rng(0)
    sizes = random.integers(1, 30, size=25)
    losses = [random.random(size) for size in sizes]
    sampler = SimpleNamespace(
        steps=25, weights_done=lambda epoch: np.cumsum(sizes), first_step=lambda epoch: 0
    )
    with Live(str(tmp_path), dvcyaml=False, save_dvc_exp=False) as live:
        callback = LiveMetrics(live, sampler)
        callback.on_epoch_begin(0)
        for batch in range(25):
            so_far = np.concatenate(losses[: batch + 1]).mean()
            callback.on_train_batch_end(batch, {"log_loss": so_far})
    lines = (tmp_path / "plots/metrics/train/log_loss.tsv").read_text().splitlines()[1:]
    logged = [float(line.split("\t")[1]) for line in lines]
    windows = (losses[:10], losses[10:20], losses[20:])
    assert logged == pytest.approx([np.concatenate(window).mean() for window in windows])


def test_training_stops_when_valid_does_not_improve(tmp_path):
    _, labels = plant(400)
    wrong = (labels[300:] + 1) % 3
    impatient = replace(TRAIN, patience=1)
    train(tmp_path, labels_of_valid=wrong, params=impatient)
    epochs = json.loads((tmp_path / "metrics.json").read_text())["epoch"]
    assert epochs < TRAIN.epochs


def test_a_run_that_diverges_logs_no_nan(tmp_path):
    with Live(str(tmp_path), dvcyaml=False, save_dvc_exp=False) as live:
        callback = LiveMetrics(live, SimpleNamespace(steps=1))
        callback.on_epoch_end(0, {"val_log_loss": np.nan, "val_accuracy": 0.3})
        callback.on_epoch_end(1, {"val_log_loss": np.inf, "val_accuracy": 0.3})
    metrics = parse_json((tmp_path / "metrics.json").read_bytes())
    assert metrics["eval"] == {"accuracy": 0.3}


def test_the_same_seed_gives_the_same_weights(trained, tmp_path):
    model, again = trained[1], train(tmp_path)[0]
    for first, second in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_step_compiled_by_xla_learns_the_same(tmp_path):
    # As in a stage, where no other test has turned determinism on.
    disable_op_determinism()
    compiled = replace(TRAIN, jit=True, epochs=2)
    plain = replace(TRAIN, jit=False, epochs=2)
    model, *_, found = train(tmp_path / "compiled", params=compiled)
    assert model.jit_compile and is_op_determinism_enabled()
    *_, expected = train(tmp_path / "plain", params=plain)
    assert found["valid_log_loss"] == pytest.approx(expected["valid_log_loss"], rel=1e-3)


@pytest.mark.parametrize("devices", [[], ["GPU:0"]])
def test_xla_is_chosen_by_the_device(monkeypatch, devices):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: devices)
    assert compiles_with_xla("auto") == bool(devices)
    assert compiles_with_xla(True) and not compiles_with_xla(False)


def test_a_trained_model_is_saved_without_its_optimizer(trained, tmp_path):
    _, model, tokens, valid, _ = trained
    save_model(model, tmp_path)
    assert "compile_config" not in json.loads((tmp_path / "model.json").read_text())
    again = load_model(tmp_path)
    assert not again.compiled
    found, expected = (
        predict_battles(one, tokens, valid.rows, PACKING, "test").probabilities
        for one in (again, model)
    )
    np.testing.assert_array_equal(found, expected)
