"""A training run that was stopped resumes, and ends with the same bytes as one that was not."""

import os
import shutil
from contextlib import nullcontext
from dataclasses import replace

import keras
import numpy as np
import pytest
from dvclive import Live
from hostile_objects import RunsCode
from planted_training import PACKING, TOKENS_PER_BATCH, TRAIN, make_model, plant

from preference.runtime.errors import BadInput
from preference.training import checkpoint_paths
from preference.training.adapters import add_adapters
from preference.training.best_epoch import BestEpoch
from preference.training.callbacks import LiveMetrics, ProgressBar
from preference.training.checkpoint_file import (
    Checkpoint,
    is_finished,
    read_checkpoint,
    write_checkpoint,
)
from preference.training.checkpointing import Checkpoints, find_checkpoint
from preference.training.dataset import BatchSampler, LabelledBattles
from preference.training.fit import train_model

IDENTITY = {"parameters": "p", "data": "d", "code": "c"}
EPOCHS = 3
# 300 battles in batches of 16.
STEPS = 19
ALWAYS, NEVER = 1e-9, 1e9


class Killed(Exception):
    """Simulates a signal that kills the process at once."""


class KillAt(keras.callbacks.Callback):
    """Stop after a number of steps of this process."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Killed


def params(**changes):
    return replace(TRAIN, **{"epochs": EPOCHS, "patience": EPOCHS, **changes})


def train(folder, train_params, minutes=None, kill_at=None, wrong=False):
    """Train as the stage does, with `minutes` between checkpoints; None writes none."""
    tokens, labels = plant(400)
    rows = np.arange(400)
    valid_labels = (labels[300:] + 1) % 3 if wrong else labels[300:]
    valid = LabelledBattles(tokens, PACKING, rows[300:], valid_labels)
    path = folder / "checkpoints" / "test.npz"
    found = find_checkpoint(path, IDENTITY) if minutes else None
    begin = {"begin_epoch": found.epoch, "begin_step": found.step} if found else {}
    battles = LabelledBattles(tokens, PACKING, rows[:300], labels[:300])
    sampler = BatchSampler(battles, TOKENS_PER_BATCH, seed=3, **begin)
    assert sampler.steps == STEPS
    # With dropout, so that the state of random generators matters.
    model = make_model(dropout=0.2)
    add_adapters(model, train_params.lora_rank)
    with Live(str(folder / "live"), dvcyaml=False, save_dvc_exp=False) as live:
        logged = LiveMetrics(live, sampler)
        callbacks = [ProgressBar("test", sampler, EPOCHS), logged]
        checkpoints = None
        if minutes:
            checkpoints = Checkpoints(path, IDENTITY, minutes, sampler, logged, found)
        if kill_at:
            callbacks.insert(0, KillAt(kill_at))
        result = train_model(model, sampler, valid, train_params, callbacks, checkpoints)
        live.summary = result
    files = {
        file.relative_to(folder): file.read_bytes()
        for file in sorted((folder / "live").rglob("*"))
        if file.is_file()
    }
    # The states of random generators and of the optimizer too.
    saved = [*model.variables, *model.optimizer.variables]
    return [variable.numpy() for variable in saved], result, files


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The result without checkpoints: writing them must not change it."""
    return train(tmp_path_factory.mktemp("undisturbed"), params())


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory):
    """What a run that was killed during its ninth step has left."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        train(folder, params(), ALWAYS, kill_at=9)
    return folder


@pytest.fixture
def killed(killed_once, tmp_path):
    """A copy of what the killed run has left, which a test may change."""
    return shutil.copytree(killed_once, tmp_path / "killed")


def assert_same(found, expected):
    for ours, theirs in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found[1:] == expected[1:]


def test_however_it_was_killed_the_result_is_the_same(tmp_path, undisturbed, capfd):
    """Twice in an epoch, at the end of one, and in the very last step."""
    # The step during which it was killed is in no checkpoint.
    for kill_at, resumes_after in (
        (STEPS + 2, None),
        (STEPS - 1, (1, 1)),
        (2, (1, STEPS - 1)),
        (STEPS, (2, 0)),
        (None, (2, STEPS - 1)),
    ):
        capfd.readouterr()
        with pytest.raises(Killed) if kill_at else nullcontext():
            found = train(tmp_path, params(), ALWAYS, kill_at=kill_at)
        said = capfd.readouterr().err
        assert ("resumes where it was stopped" in said) == (resumes_after is not None)
        if resumes_after:
            assert "after {} epochs and {} steps".format(*resumes_after) in said
        assert is_finished(tmp_path / "checkpoints/test.npz") == (kill_at is None)
    assert_same(found, undisturbed)
    assert_same(train(tmp_path, params(), NEVER, kill_at=1), undisturbed)
    assert "was finished before it was stopped: its model is saved" in capfd.readouterr().err


def test_in_mixed_precision_with_averaged_weights_and_adapters_too(tmp_path):
    """In float16 the loss is scaled, and the scale is a state of the optimizer."""
    keras.config.set_dtype_policy("mixed_float16")
    short = params(epochs=2, weight_average=0.8, lora_rank=2)
    try:
        expected = train(tmp_path / "once", short)
        with pytest.raises(Killed):
            train(tmp_path / "again", short, ALWAYS, kill_at=STEPS + 5)
        assert_same(train(tmp_path / "again", short, ALWAYS), expected)
    finally:
        keras.config.set_dtype_policy("float32")


def test_each_epoch_ends_with_a_checkpoint(tmp_path, undisturbed):
    with pytest.raises(Killed):
        train(tmp_path, params(), NEVER, kill_at=STEPS + 7)
    checkpoint = read_checkpoint(tmp_path / "checkpoints/test.npz")
    assert (checkpoint.epoch, checkpoint.step) == (1, 0)
    assert_same(train(tmp_path, params(), NEVER), undisturbed)


def test_a_run_that_stopped_early_does_not_resume(tmp_path):
    impatient = params(patience=1, epochs=8)
    expected = train(tmp_path, impatient, NEVER, wrong=True)
    assert expected[1]["epochs"] < 8
    assert_same(train(tmp_path, impatient, NEVER, kill_at=1, wrong=True), expected)


def test_only_checkpoints_that_the_next_run_can_use_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFERENCE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(checkpoint_paths, "LOCK_FILE", tmp_path / "dvc.lock")
    path = tmp_path / "exp1-seed-7.npz"

    def left(finished, recorded):
        checkpoint = Checkpoint(IDENTITY, 1, 0, [], None, [], [], [], finished=finished)
        write_checkpoint(checkpoint, path)
        for name in ("exp1-seed-8.npz", "exp11-seed-8.npz"):
            (tmp_path / name).write_text("")
        for name in ("exp1-seed-7.npz", "exp1-seed-8.npz"):
            killed = tmp_path / f"{name}.{'0' * 16}.partial"
            killed.mkdir(exist_ok=True)
            (killed / ".lock").write_text("")
        if recorded is not None:
            (tmp_path / "dvc.lock").write_text("")
            os.utime(tmp_path / "dvc.lock", (0, path.stat().st_mtime + (1 if recorded else -1)))
        checkpoint_paths.remove_old_checkpoints("exp1", [7])
        return {file.name for file in tmp_path.glob("*.npz*")} - {"exp11-seed-8.npz"}

    assert left(finished=True, recorded=None) == {path.name}
    assert left(finished=True, recorded=False) == {path.name}
    # DVC has recorded the run, and asks to train again.
    assert left(finished=True, recorded=True) == set()
    assert left(finished=False, recorded=True) == {path.name}


@pytest.mark.parametrize("other", [["data"], ["parameters", "code"]])
def test_a_checkpoint_of_something_else_is_refused(killed, other, capfd):
    path = killed / "checkpoints/test.npz"
    identity = IDENTITY | dict.fromkeys(other, "another")
    assert find_checkpoint(path, identity) is None
    said = capfd.readouterr().err
    assert f"other {' and '.join(other)}: it is not used" in said and str(path) in said


@pytest.mark.parametrize("fraction", [0, 0.3, 0.999])
def test_a_damaged_checkpoint_is_reported_and_not_used(killed, fraction, capfd):
    path = cut_checkpoint(killed, fraction)
    assert not is_finished(path)
    assert find_checkpoint(path, IDENTITY) is None
    assert "is damaged" in capfd.readouterr().err


def test_a_run_whose_checkpoint_is_damaged_begins_again(killed, undisturbed):
    cut_checkpoint(killed, 0.3)
    assert_same(train(killed, params(), ALWAYS), undisturbed)


def cut_checkpoint(folder, fraction):
    """Keep the beginning of the checkpoint alone, and return its path."""
    path = folder / "checkpoints/test.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    return path


def test_a_flipped_bit_is_damage(tmp_path):
    path = tmp_path / "one.npz"
    state = [np.arange(1000, dtype=np.float32)]
    write_checkpoint(Checkpoint(IDENTITY, 0, 1, [], None, state, [], []), path)
    np.testing.assert_array_equal(read_checkpoint(path).state[0], state[0])
    content = bytearray(path.read_bytes())
    content[content.index(state[0][500:510].tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        read_checkpoint(path)


def test_a_pickle_in_a_checkpoint_is_damage_and_is_not_read(tmp_path):
    code = np.array([RunsCode(tmp_path / "ran")], dtype=object)
    path = tmp_path / "pickle.npz"
    write_checkpoint(Checkpoint(IDENTITY, 0, 1, [], None, [code], [], []), path)
    with pytest.raises(BadInput, match=r"damaged.*allow_pickle"):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_leaves_the_last_checkpoint_and_the_training(
    killed, undisturbed, monkeypatch, capfd
):
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    assert_same(train(killed, params(), ALWAYS), undisturbed)
    said = " ".join(capfd.readouterr().err.split())
    assert "No space left on device. Training continues." in said
    assert [file.name for file in (killed / "checkpoints").iterdir()] == ["test.npz"]
    assert read_checkpoint(killed / "checkpoints/test.npz").step == 8


@pytest.mark.parametrize(
    ("losses", "patience", "best", "over"),
    [
        ([1.0], 1, 0, False),
        ([1.0, 1.1], 1, 0, True),
        ([1.0, 1.1], 2, 0, False),
        ([1.0, 0.9, 0.9], 1, 1, True),
        ([np.nan, 0.9], 1, 1, False),
        ([np.nan], 1, None, False),
        ([np.nan, np.nan], 1, None, True),
    ],
)
def test_the_best_epoch_is_the_first_with_the_lowest_loss(losses, patience, best, over):
    callback = BestEpoch(patience)
    callback.set_model(make_model())
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_log_loss": loss})
    assert (callback.epoch, callback.is_over, callback.model.stop_training) == (best, over, over)
